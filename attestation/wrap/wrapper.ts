import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { SigningKey } from "../../agent/keys/signingKey.ts";
import { answerOf } from "../../protocol/attestation/answer.ts";
import { type Challenge, isCommissioned } from "../../protocol/attestation/challenge.ts";
import {
  assembleEvidence,
  type EvidenceClaims,
  evidenceSigningInput,
  platformBindingOf,
} from "../../protocol/attestation/evidence.ts";
import { hatchVariable } from "../../protocol/attestation/keyHatch.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type EvidenceBackend, softwareBackend } from "../evidence/backend.ts";
import { EncryptionKeys } from "../evidence/encryptionKeys.ts";
import type { Manifest } from "../../protocol/attestation/manifest.ts";
import { measureProcess, settled } from "../measure/measureProcess.ts";
import { AnsweredChallenges } from "./answeredChallenges.ts";
import { KeyHatch } from "./keyHatch.ts";
import { type ProgramExit, type ProgramOptions, SupervisedProgram } from "./supervisedProgram.ts";
import type { Wrapping } from "./wrapping.ts";

/** For a version that is not enrolled yet. */
export interface FirstMeasurement extends Pick<Wrapping, "root" | "include"> {
  /** Has what was found enrolled. @returns the wrapping */
  readonly enrol: (manifest: Manifest) => Promise<Wrapping>;
}

export interface WrapperOptions extends ProgramOptions {
  readonly wrapping: Wrapping | FirstMeasurement;
  /** Signs evidence; the agent's registered key. */
  readonly signing: SigningKey;
  readonly backend?: EvidenceBackend;
  /** Whether the program that runs now may open what is sealed to the keys of its evidence. Default: always. */
  readonly mayUseKeys?: () => boolean;
  /** For how long a program must have mapped no further code before it is measured. Default 600. */
  readonly settleMs?: number;
  /** Unix seconds. */
  readonly nowSec?: () => number;
}

type EnrolledOptions = WrapperOptions & { readonly wrapping: Wrapping };

/** Supervises an agent's program and answers challenges about what runs. */
export class Wrapper {
  readonly encryptionKeys: EncryptionKeys;
  /** What was answered, for whoever wants to see the evidence that verdicts name. */
  readonly answered: AnsweredChallenges;
  #options: EnrolledOptions;
  #program: SupervisedProgram;
  #settledRun = 0;
  /** How long the last measurement took. */
  #measuringMs = 0;
  /** Two at most: the measurement that is under way, with the rest after it, and the one that begins then. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<Hex> | undefined;

  private constructor(options: EnrolledOptions, program: SupervisedProgram, memory: Memory) {
    this.#options = options;
    this.#program = program;
    this.encryptionKeys = memory.encryptionKeys;
    this.answered = memory.answered;
  }

  /**
   * Starts the program and measures it once, so that what cannot be measured does not go unnoticed until a challenge.
   * @throws AffiantError ERR_INPUT_MEASURE
   */
  static async start(options: WrapperOptions): Promise<Wrapper> {
    const memory = { encryptionKeys: new EncryptionKeys(), answered: new AnsweredChallenges() };
    const full = withHatch(options, memory);
    const program = await SupervisedProgram.start(full);
    try {
      const wrapping = await firstWrapping(options, program);
      const wrapper = new Wrapper({ ...full, wrapping }, program, memory);
      await wrapper.#measure();
      return wrapper;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  get wrapping(): Wrapping {
    return this.#options.wrapping;
  }

  get pid(): number | undefined {
    return this.#program.pid;
  }

  /** How often the program was started. */
  get runs(): number {
    return this.#program.run;
  }

  get ended(): Promise<ProgramExit> {
    return this.#program.ended;
  }

  /**
   * Evidence in answer to a challenge, from a measurement that begins after the challenge came.
   * @throws AffiantError ERR_INPUT_ATTESTATION for another agent's challenge; ERR_AUTH_SENDER for one that the service did not
   * commission: nobody else has this host measure anything; ERR_UNAVAILABLE_TARGET while the program is
   * being started
   */
  async answer(challenge: Challenge): Promise<string> {
    const { wrapping, signing, backend = softwareBackend, nowSec = clockSec } = this.#options;
    if (challenge.target !== wrapping.agent) {
      throw new AffiantError("ERR_INPUT_ATTESTATION", `this wrapper answers for ${wrapping.agent} only`);
    }
    const agentKey = fromHex(wrapping.agentKey, 32);
    if (!isCommissioned(challenge, agentKey)) {
      throw new AffiantError("ERR_AUTH_SENDER", "the attestation service has not commissioned this challenge");
    }
    const measurement = await this.#measureForChallenge();
    const claims: EvidenceClaims = {
      agent: wrapping.agent,
      verifier: challenge.verifier,
      round: challenge.round,
      nonce: challenge.nonce,
      answer: answerOf(measurement, agentKey, challenge.nonce),
      encryptionKey: toHex((await this.encryptionKeys.forRound(challenge.round)).publicKey),
      tier: backend.tier,
      issuedAtSec: nowSec(),
    };
    const platform = await backend.prove(platformBindingOf(claims));
    const signingInput = evidenceSigningInput(platform ? { ...claims, platform } : claims, signing.publicKey);
    const evidence = assembleEvidence(signingInput, signing.sign(utf8(signingInput)));
    this.answered.add(challenge.round, evidence);
    return evidence;
  }

  /** Ends the program and starts what the new wrapping is for. The old version's key is forgotten. */
  async upgrade(wrapping: Wrapping, command: ProgramOptions["command"] = this.#options.command): Promise<void> {
    await this.#program.stop();
    this.#options = { ...this.#options, wrapping, command };
    this.#program = await SupervisedProgram.start(this.#options);
    this.#settledRun = 0;
    await this.#measure();
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }

  /**
   * Challenges that come while a measurement runs, or in the rest after it, share the next one: whoever has seen one can send it
   * again, and asking often takes a quarter of the time and no more.
   */
  #measureForChallenge(): Promise<Hex> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        const measurement = this.#measure();
        const rest = () => sleep(restsAfterMeasuring * this.#measuringMs, undefined, { ref: false });
        this.#running = measurement.then(rest, rest);
        this.#next = undefined;
        return measurement;
      });
    return this.#next;
  }

  async #measure(): Promise<Hex> {
    const { wrapping, backend = softwareBackend, settleMs = 600 } = this.#options;
    const { pid, run } = this.#program;
    if (pid === undefined) throw restarting();
    if (this.#settledRun !== run) {
      await settled(pid, settleMs);
      this.#settledRun = run;
    }
    const { root, include, libraries } = wrapping;
    const startedMs = performance.now();
    const measurement = await backend.measure(pid, { root, include, libraries });
    this.#measuringMs = performance.now() - startedMs;
    // A program that ended meanwhile was measured half, or another process got its number.
    if (this.#program.run !== run || this.#program.pid !== pid) throw restarting();
    return measurement;
  }
}

interface Memory {
  readonly encryptionKeys: EncryptionKeys;
  readonly answered: AnsweredChallenges;
}

/** The program is born with one more socket, behind those it has anyway, over which it can use the keys of its evidence. */
function withHatch(options: WrapperOptions, { encryptionKeys, answered }: Memory): WrapperOptions {
  const { env = process.env, stdio = "inherit" } = options;
  const streams = Array.isArray(stdio) ? [...stdio] : [stdio, stdio, stdio];
  while (streams.length < 3) streams.push("inherit");
  const fd = streams.length;
  const hatch = new KeyHatch(encryptionKeys, () => answered.rounds, options.mayUseKeys);
  return {
    ...options,
    env: { ...env, [hatchVariable]: `${fd}` },
    stdio: [...streams, "pipe"],
    onSpawn(child) {
      // Node's types know of five streams.
      const socket = (child.stdio as readonly unknown[])[fd];
      if (socket) hatch.serve(socket as Duplex);
      options.onSpawn?.(child);
    },
  };
}

/** Measures the program that runs now, and has that enrolled: it is started once, not once more to be measured. */
async function firstWrapping(options: WrapperOptions, { pid }: SupervisedProgram): Promise<Wrapping> {
  if (!("enrol" in options.wrapping)) return options.wrapping;
  if (pid === undefined) throw new AffiantError("ERR_INPUT_MEASURE", "the program ended before it was measured");
  const { root, include, enrol } = options.wrapping;
  await settled(pid, options.settleMs ?? 600);
  return enrol(await measureProcess(pid, { root, include }));
}

/** How many times as long as it took nothing is measured afterwards. */
const restsAfterMeasuring = 3;

const clockSec = (): number => Math.floor(Date.now() / 1000);

function restarting(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_TARGET", "the program is not running; it is being started again");
}
