import { resolve } from "node:path";

import { Command, InvalidArgumentError } from "commander";

export interface StartOptions {
  readonly dataDir: string;
  readonly relayerPort: number;
  readonly rpcPort: number;
  /** End after the report instead of staying up. */
  readonly once: boolean;
  /** Where the verdicts go as JSON. */
  readonly jsonPath: string | undefined;
  /** Agent whose program is changed while it works, to show what follows. */
  readonly tamper: string | undefined;
}

interface Flags {
  readonly data: string;
  readonly port: number;
  readonly rpcPort: number;
  readonly once?: true;
  readonly json?: string;
  readonly tamper?: string;
}

/** @param args what stands after `npm start --` */
export function readStartOptions(args: readonly string[]): StartOptions {
  const program = new Command("npm start --")
    .description(
      "Brings up a chain, a relayer and the four agents of a small shop, has them attest each other, gives them keys, " +
        "lets them work, anchors what they signed, audits it, and stays up.",
    )
    .option("--data <dir>", "where everything is kept; a second start goes on from there", "data")
    .option("--port <n>", "port of the relayer, 0 for any free one", port, 8787)
    .option("--rpc-port <n>", "port of the local chain, 0 for any free one", port, 8545)
    .option("--once", "end after the report; the exit code is 0 only if every verdict holds")
    .option("--json <file>", "write the verdicts there as JSON")
    .option("--tamper <agent>", "change that agent's program while it works, and show how it is caught and replaced")
    .allowExcessArguments(false);
  const flags = program.parse(args, { from: "user" }).opts<Flags>();
  return {
    dataDir: resolve(flags.data),
    relayerPort: flags.port,
    rpcPort: flags.rpcPort,
    once: flags.once ?? false,
    jsonPath: flags.json === undefined ? undefined : resolve(flags.json),
    tamper: flags.tamper,
  };
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError("It is a number from 0 to 65535.");
}
