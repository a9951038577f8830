import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { InstallRequest } from "../../../orchestrator/infrastructure/infrastructure.ts";

/** A package in a folder; its agent imports a module from beside its pipeline's folder. @returns the pipeline's folder */
export async function greeterPackage(folder: string): Promise<string> {
  const files = {
    "package.json": `{ "type": "module" }`,
    "shared/word.js": `export const word = "hello";`,
    "pipelines/greeting/agent.js": `import { word } from "../../shared/word.js"; console.log(word);`,
    "pipelines/greeting/policy/policy.cedar": "permit (principal, action, resource);",
    "pipelines/greeting/.env": "SECRET=1",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return join(folder, "pipelines/greeting");
}

export function requestFor(source: string): InstallRequest {
  const agent = {
    name: "greeter",
    role: "says a word",
    program: join(source, "agent.js"),
    args: [],
    bundle: false,
    policy: join(source, "policy"),
    operator: "us",
    risk: "minimal",
    capabilities: [],
    sites: [],
    startAfter: [],
    memoryMb: 64,
    cpuMillis: 500,
  } as const;
  return { agent, source, include: [], site: "here", release: "greeting", name: "greeter.v1" };
}
