/** A parent that starts one child and waits to be killed, for the test of orphans. The test runner only imports it. */
import { Supervisor } from "../../../orchestrator/process/supervisor.ts";

async function main(program = "", behaviour = "", markFile = "", logPath = ""): Promise<void> {
  const supervisor = new Supervisor({ environment: process.env });
  await supervisor.start({ name: "child", argv: [program, behaviour, markFile], env: {}, logPath });
  console.log("child is up");
  setInterval(() => undefined, 1_000);
}

if (import.meta.main) await main(...process.argv.slice(2));
