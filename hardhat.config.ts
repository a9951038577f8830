import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig, overrideTask } from "hardhat/config";

import { writeAbis } from "./scripts/generate/abi.ts";

/** The compiler comes from the npm package `solc`, so that compiling needs no download. */
const solcPath = createRequire(import.meta.url).resolve("solc/soljson.js");

/** Whoever compiles has the typed ABIs too: `npx hardhat test` on a fresh clone needs nothing else. */
const buildWithAbis = overrideTask("build")
  .setInlineAction(async (args, _hre, runSuper) => {
    const built: unknown = await runSuper(args);
    await writeAbis();
    return built;
  })
  .build();

/** Tests are what is named `*.test.ts`. The files beside them are worlds and processes that tests start. */
const mochaTestsByName = overrideTask(["test", "mocha"])
  .setInlineAction(async (args, _hre, runSuper) => {
    const named = (args as { testFiles?: string[] }).testFiles ?? [];
    const root = join(import.meta.dirname, "test");
    const all = (): string[] => readdirSync(root, { recursive: true, encoding: "utf8" });
    const tests = all().filter((file) => file.endsWith(".test.ts"));
    const testFiles = named.length > 0 ? named : tests.sort().map((file) => join(root, file));
    return (await runSuper({ ...args, testFiles })) as unknown;
  })
  .build();

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers],
  tasks: [buildWithAbis, mochaTestsByName],
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
      fsPermissions: { readDirectory: ["protocol/vectors"] },
      fuzz: { runs: 256 },
      invariant: { runs: 64, depth: 64 },
    },
    mocha: { timeout: 120_000 },
  },
});
