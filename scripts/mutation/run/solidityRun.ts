import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

interface SuiteResult {
  readonly id: { readonly name: string };
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

/**
 * Runs Solidity tests on the code that lies in `artifacts/` now.
 * @returns contract and function of a test that failed
 */
export async function runSolidity(
  hre: HardhatRuntimeEnvironment,
  files: readonly string[],
): Promise<string | undefined> {
  const run = (await hre.tasks.getTask(["test", "solidity"]).run({ testFiles: [...files], noCompile: true })) as {
    readonly value?: { readonly suiteResults: readonly SuiteResult[] };
    readonly error?: { readonly suiteResults: readonly SuiteResult[] };
  };
  const suites = (run.value ?? run.error)?.suiteResults;
  if (!suites || suites.length === 0) throw new Error(`no test was run of ${files.join(", ")}`);
  for (const { id, testResults } of suites) {
    const failed = testResults.find(({ status }) => status === "Failure");
    if (failed) return `${id.name}.${failed.name}`;
  }
  return undefined;
}
