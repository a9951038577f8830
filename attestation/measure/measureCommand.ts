import type { Manifest } from "../../protocol/attestation/manifest.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type ProgramOptions, SupervisedProgram } from "../wrap/supervisedProgram.ts";
import { type MeasureOptions, measureProcess, settled } from "./measureProcess.ts";

export interface MeasureCommandOptions extends MeasureOptions, ProgramOptions {
  /** For how long the program must have mapped no further code. Default 600. */
  readonly settleMs?: number;
}

/**
 * Starts a program, measures it as a wrapper would, and ends it: how a reference is made.
 * @throws AffiantError ERR_INPUT_MEASURE if it ends before it was measured
 */
export async function measureCommand(options: MeasureCommandOptions): Promise<Manifest> {
  const program = await SupervisedProgram.start({ ...options, maxRestarts: 0 });
  try {
    const { pid } = program;
    if (pid === undefined) throw new AffiantError("ERR_INPUT_MEASURE", "the program ended before it was measured");
    await settled(pid, options.settleMs ?? 600);
    return await measureProcess(pid, options);
  } finally {
    await program.stop();
  }
}
