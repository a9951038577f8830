import { measurementOf } from "../../protocol/attestation/manifest.ts";
import type { AssuranceTier } from "../../protocol/attestation/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { type MeasureOptions, measureProcess } from "../measure/measureProcess.ts";

/**
 * Where a measurement and its proof come from: the one place at which a TPM or a TEE is put in. A back end
 *
 * - measures the process that runs *now*, each time it is asked, and never answers from memory;
 * - of tier `tpm` or `tee`, proves by a key that the agent's machine cannot use otherwise (an attestation key in the chip,
 *   the processor's report key) that the measuring code itself was measured, with the 32 bytes of `binding` as the
 *   quote's qualifying data (TPM2_Quote `qualifyingData`; TDX or SEV-SNP `REPORTDATA`, first half). They are SHA-256 over
 *   all other claims (`platformBindingOf`), so a quote cannot be joined to another answer or encryption key;
 * - gives the quote with everything a verifier needs that has no copy of it: event log and certificates up to the
 *   maker's root, in that platform's own encoding. `PlatformAppraiser` of the same tier reads it.
 *
 * The tier goes up only if the wrapper runs inside of what is measured. A quote beside a wrapper that anybody may change
 * is still software.
 */
export interface EvidenceBackend {
  readonly tier: AssuranceTier;
  /** m as it is now. @throws AffiantError ERR_INPUT_MEASURE, ERR_UNAVAILABLE_TARGET */
  measure(pid: number, options: MeasureOptions): Promise<Hex>;
  /** The platform's proof about 32 bytes; undefined with tier software, and only there. */
  prove(binding: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The verifier's half of a tier above software. */
export interface PlatformAppraiser {
  readonly tier: AssuranceTier;
  /** Whether the proof is genuine, of a platform in a state that is accepted, and about these 32 bytes. */
  appraise(proof: Uint8Array, binding: Uint8Array): Promise<boolean>;
}

/** The wrapper's word: it reads files and memory through the kernel of the machine that it runs on. */
export const softwareBackend: EvidenceBackend = {
  tier: "software",
  measure: async (pid, options) => measurementOf(await measureProcess(pid, options)),
  prove: () => Promise.resolve(undefined),
};
