import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

const leftovers = join(import.meta.dirname, "../helpers/leftovers.ts");

/** Runs what a test may leave behind, and then the end of the tests. */
async function endAfter(left: string) {
  const script = `
    import { endDespiteLeftovers } from ${JSON.stringify(leftovers)};
    ${left}
    endDespiteLeftovers(500);`;
  const run = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "pipe"] });
  const [stderr, [code]] = await Promise.all([text(run.stderr), once(run, "close")]);
  return { stderr, code: code as number };
}

describe("a run of tests that leaves something behind", () => {
  it("ends by itself where nothing is left", async () => {
    expect(await endAfter("setTimeout(() => undefined, 10);")).to.deep.equal({ stderr: "", code: 0 });
  });

  it("fails, and says that a server is still open", async () => {
    const { code, stderr } = await endAfter(`
      import { createServer } from "node:net";
      createServer().listen(0, "127.0.0.1");`);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^0.5 s after the last test something is still open: .*TCPServer/);
  });

  it("fails, names a program that still runs, and ends it", async () => {
    // The program holds the pipe too: the run is over for its reader only when both are gone.
    const { code, stderr } = await endAfter(`
      import { spawn } from "node:child_process";
      spawn("sleep", ["1000"], { stdio: ["ignore", "inherit", "ignore"] });`);
    expect(code).to.equal(1);
    expect(stderr).to.contain("a program that was not ended: sleep 1000\n");
  });
});
