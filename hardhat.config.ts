import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig, overrideTask, task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

import { markBuilt } from "./cli/start/fresh.js";
import { deployOptions } from "./cli/deploy/deployOptions.ts";
import { writeAbis } from "./scripts/generate/abi.ts";
import { endDespiteLeftovers } from "./test/helpers/leftovers.ts";
import { runShares, summaryVariable } from "./test/helpers/run/shards.ts";
import { namedTestFiles, sharesOf, testFilesBelow } from "./test/helpers/run/testFiles.ts";

/** The compiler comes from the npm package `solc`, so that compiling needs no download. */
const solcPath = createRequire(import.meta.url).resolve("solc/soljson.js");

/** Whoever compiles has the typed ABIs too: `npx hardhat test` on a fresh clone needs nothing else. */
const buildWithAbis = overrideTask("build")
  .setInlineAction(async (args, _hre, runSuper) => {
    const built: unknown = await runSuper(args);
    await writeAbis();
    markBuilt(import.meta.dirname);
    return built;
  })
  .build();

/** Says in one line what is wrong with a name of a test, before anything is compiled, and ends. */
function testFilesNamed(args: unknown): string[] {
  const { testFiles = [] } = args as { testFiles?: string[] };
  const named = namedTestFiles(testFiles, process.cwd());
  if ("files" in named) return named.files;
  console.error(`hardhat test: ${named.fault}`);
  process.exit(1);
}

/** Where every named test is TypeScript, the tests in Solidity are not compiled. */
const testsByName = overrideTask("test")
  .setInlineAction(async (args, hre, runSuper) => {
    const testFiles = testFilesNamed(args);
    const solidity = testFiles.some((file) => file.endsWith(".sol"));
    if (testFiles.length === 0 || solidity || args.noCompile)
      return (await runSuper({ ...args, testFiles })) as unknown;
    await hre.tasks.getTask("build").run({ noTests: true, quiet: true });
    return (await runSuper({ ...args, testFiles, noCompile: true })) as unknown;
  })
  .build();

/** All tests at once are shared out among processes, as many at a time as there are cores. */
const mochaTestsByName = overrideTask(["test", "mocha"])
  .setInlineAction(async (args, hre, runSuper) => {
    // Tests start hundreds of programs: what Node made of their TypeScript is kept.
    process.env["NODE_COMPILE_CACHE"] ??= join(hre.config.paths.cache, "node");
    const named = testFilesNamed(args);
    const root = join(import.meta.dirname, "test");
    const atOnce = Number(process.env["AFFIANT_TEST_JOBS"] ?? availableParallelism());
    if (named.length === 0 && atOnce > 1 && !args.bail) {
      if (!args.noCompile) await hre.tasks.getTask("build").run({ quiet: true });
      const files = testFilesBelow(root).filter((file) => file.endsWith(".test.ts"));
      const hardhat = createRequire(import.meta.url)
        .resolve("hardhat/package.json")
        .replace("package.json", "dist/src/cli.js");
      const filters = (["grep", "grepExclude"] as const).flatMap((name) =>
        args[name] === undefined ? [] : [`--${name === "grep" ? "grep" : "grep-exclude"}`, String(args[name])],
      );
      const summary = await runShares(sharesOf(files, root, 3 * atOnce), atOnce, [
        ...[process.execPath, hardhat, "test", "mocha", "--no-compile", ...filters],
      ] as [string, ...string[]]);
      return summary.failed > 0 ? { success: false, error: { summary } } : { success: true, value: { summary } };
    }
    const testFiles = named.length > 0 ? named : testFilesBelow(root).filter((file) => file.endsWith(".test.ts"));
    const result: unknown = await runSuper({ ...args, testFiles });
    const summaryFile = process.env[summaryVariable];
    if (summaryFile) writeFileSync(summaryFile, JSON.stringify(summaryOf(result)));
    endDespiteLeftovers();
    return result;
  })
  .build();

/** What Hardhat's own task gives back, whether it went well or not. */
function summaryOf(result: unknown): unknown {
  const { value, error } = result as { value?: { summary: unknown }; error?: { summary: unknown } };
  return (value ?? error)?.summary;
}

/** `npx hardhat deploy --network NAME`: the same as `affiant deploy`. */
const deploy = deployOptions
  .reduce(
    (made, { name, value, about: description }) =>
      value === undefined
        ? made.addFlag({ name, description })
        : made.addOption({ name, description, type: ArgumentType.STRING_WITHOUT_DEFAULT, defaultValue: undefined }),
    task("deploy", "Put the contracts on a chain, or finish what an interrupted run began"),
  )
  .setAction(() => import("./cli/deploy/hardhatTask.ts"))
  .build();

/**
 * Ignition's own command knows nothing of development keys, chain ids and costs: off this machine it is not the way in.
 * `ignition verify`, `status` and `transactions` read the same journal and stay as they are.
 */
const noBareIgnition = overrideTask(["ignition", "deploy"])
  .setInlineAction(async (args, hre, runSuper) => {
    const { network = "default" } = hre.globalOptions;
    if (hre.config.networks[network]?.type === "http") {
      throw new Error(`Use: npx hardhat deploy --network ${network} (docs/deploy.md)`);
    }
    return (await runSuper(args)) as unknown;
  })
  .build();

/**
 * A public chain. The chain id is what an endpoint is held to. `NAME_RPC_URL` and `NAME_DEPLOYER_KEY` come from Hardhat's
 * keystore (`npx hardhat keystore set SEPOLIA_RPC_URL`) or, for a run of its own, from the environment; from no file.
 */
const publicNetwork = (name: string, chainId: number) => ({
  type: "http" as const,
  chainId,
  url: configVariable(`${name}_RPC_URL`),
  accounts: [configVariable(`${name}_DEPLOYER_KEY`)],
});

/** How long the Solidity tests look: values tried for each fuzz test; sequences, and calls in each, for each invariant. */
const solidityTests = (looked: { fuzzRuns: number; invariantRuns: number; depth: number }) => ({
  fsPermissions: { readDirectory: ["protocol/vectors"] },
  fuzz: { runs: looked.fuzzRuns },
  invariant: { runs: looked.invariantRuns, depth: looked.depth },
});

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers],
  tasks: [buildWithAbis, testsByName, mochaTestsByName, deploy, noBareIgnition],
  networks: {
    mainnet: publicNetwork("MAINNET", 1),
    sepolia: publicNetwork("SEPOLIA", 11_155_111),
    hoodi: publicNetwork("HOODI", 560_048),
    baseSepolia: publicNetwork("BASE_SEPOLIA", 84_532),
    optimismSepolia: publicNetwork("OPTIMISM_SEPOLIA", 11_155_420),
  },
  verify: {
    etherscan: { apiKey: configVariable("ETHERSCAN_API_KEY") },
    blockscout: { enabled: true },
    sourcify: { enabled: true },
  },
  solidity: {
    // OpenZeppelin's own contracts that are deployed as they are: the manager of roles, and the proxy of the registries.
    npmFilesToBuild: [
      "@openzeppelin/contracts/access/manager/AccessManager.sol",
      "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol",
    ],
    // One setting for all, so that contracts and their tests are one compilation. 200 runs: the larger registries' code
    // has to fit the limit of EIP-170 (24,576 bytes).
    compilers: [
      {
        version: "0.8.37",
        path: solcPath,
        settings: {
          evmVersion: "cancun",
          optimizer: { enabled: true, runs: 200 },
          metadata: { bytecodeHash: "none" },
        },
      },
    ],
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./test/contracts", mocha: "./test" },
  },
  test: {
    solidity: {
      profiles: {
        default: solidityTests({ fuzzRuns: 256, invariantRuns: 64, depth: 64 }),
        // `npm run nightly`, or `npx hardhat test solidity --test-profile nightly`.
        nightly: solidityTests({
          fuzzRuns: Number(process.env["AFFIANT_FUZZ_RUNS"] ?? 50_000),
          invariantRuns: Number(process.env["AFFIANT_INVARIANT_RUNS"] ?? 1_000),
          depth: Number(process.env["AFFIANT_INVARIANT_DEPTH"] ?? 250),
        }),
      },
    },
    mocha: { timeout: 120_000 },
  },
});
