import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import Mocha from "mocha";

/** The base prints nothing by itself. */
class Silent extends Mocha.reporters.Base {}

let loads = 0;

/**
 * Runs test files until the first failure. They may have been run in this process before: each run loads them anew, with
 * chains of their own; what they import is loaded once.
 * @returns the title of the test that failed
 */
export async function runMocha(files: readonly string[]): Promise<string | undefined> {
  const mocha = new Mocha({ bail: true, timeout: 120_000, reporter: Silent });
  loads += 1;
  for (const file of files) {
    const path = resolve(file);
    mocha.suite.emit("pre-require", globalThis, path, mocha);
    try {
      const loaded: unknown = await import(`${pathToFileURL(path).href}?load=${loads}`);
      mocha.suite.emit("require", loaded, path, mocha);
    } catch (error) {
      return `${file}, while it is loaded (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
    }
    mocha.suite.emit("post-require", globalThis, path, mocha);
  }
  return await new Promise((done) => {
    let failed: string | undefined;
    const stray = (): void => void (failed ??= "a promise that nobody waited for was rejected");
    process.on("unhandledRejection", stray);
    mocha
      .run(() => {
        process.off("unhandledRejection", stray);
        mocha.dispose();
        done(failed);
      })
      .on("fail", (test: { fullTitle(): string }) => void (failed ??= test.fullTitle()));
  });
}
