/** A program for the tests of supervision; its argument says how it behaves. The test runner only imports it. */
import { appendFileSync } from "node:fs";

function main(behaviour: string | undefined, markFile = ""): void {
  switch (behaviour) {
    case "never-ready":
      console.error("cannot go on: the moon is full");
      process.exitCode = 3;
      return;
    case "deaf":
      process.on("SIGTERM", () => undefined);
      return serve(markFile);
    case "polite":
      process.on("SIGTERM", () => {
        appendFileSync(markFile, `ended ${process.pid}\n`);
        process.exit(0);
      });
      return serve(markFile);
    default:
      throw new Error(`no such behaviour: ${behaviour}`);
  }
}

function serve(markFile: string): void {
  setInterval(() => undefined, 1_000);
  appendFileSync(markFile, `started ${process.pid}\n`);
  console.log("{ not json, only looks like it");
  console.log(JSON.stringify({ ready: true, url: `pid:${process.pid}`, environment: Object.keys(process.env) }));
}

if (import.meta.main) main(process.argv[2], process.argv[3]);
