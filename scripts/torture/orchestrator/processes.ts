import { readdirSync, readFileSync } from "node:fs";

/** A process of a pipeline, by what it was told. */
export interface Found {
  readonly pid: number;
  readonly kind: "chain" | "relayer" | "attestation" | "wrapper" | "program";
  /** Name of the agent, for wrappers and programs. */
  readonly agent?: string;
}

const mains: readonly (readonly [Found["kind"], string])[] = [
  ["chain", "/orchestrator/chain/main.ts"],
  ["relayer", "/relayer/main.ts"],
  ["attestation", "/attestation/service/main.ts"],
  ["wrapper", "/orchestrator/wrapping/main.ts"],
];

/** All that runs for a data folder, found in /proc by its environment: Linux only, as measuring is. */
export function processesOf(dataDir: string): readonly Found[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const environ = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      if (!environ.includes(`AFFIANT_LEASH_FOLDER=${dataDir}`)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      const agent = environ.find((one) => one.startsWith("AFFIANT_AGENT_NAME="))?.slice(19);
      const main = mains.find(([, path]) => command.includes(path));
      if (!main && agent === undefined) return [];
      return [{ pid: Number(name), kind: main?.[0] ?? "program", ...(agent === undefined ? {} : { agent }) }];
    } catch {
      return []; // it ended while it was looked at
    }
  });
}
