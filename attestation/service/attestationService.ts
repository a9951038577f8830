import { type Wallet, zeroPadValue, toBeHex, ZeroAddress, ZeroHash } from "ethers";

import type { EnrolmentConsent } from "../../protocol/attestation/enrolment.ts";
import type { Manifest } from "../../protocol/attestation/manifest.ts";
import { candidateCount } from "../../protocol/attestation/panel.ts";
import type { TaskPlace } from "../../protocol/attestation/task.ts";
import {
  type AssuranceTier,
  assuranceTiers,
  attestationResults,
  type AttestationStatus,
} from "../../protocol/attestation/types.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { examine, type ExamineOptions } from "../verifier/examine.ts";
import { signVerdict, type Verdict } from "../verifier/signVerdict.ts";
import type { Wrapping } from "../wrap/wrapping.ts";
import { type Choice, chooseFirst, chooseFresh, type Seat } from "./chooseVerdicts.ts";
import type { TaskGiver } from "./giveTask.ts";
import { newReference, type Reference, type References } from "./references.ts";
import type { RegistryReader, RoundState, TransactionSender } from "./registry.ts";
import { nonceFor, RoundFiles, type TargetFile } from "./roundFile.ts";
import type { SealedStore } from "./sealedStore.ts";

export const alertKinds = [
  "round-late",
  "round-void",
  "secret-lost",
  "verifier-silent",
  "quarantined",
  "reference-missing",
  "refused",
  "not-introduced",
  "ticket-reused",
  "wrong-answer",
] as const;
export type AlertKind = (typeof alertKinds)[number];

export interface ServiceAlert {
  readonly kind: AlertKind;
  readonly round: number;
  readonly agent?: string;
  readonly detail: string;
}

export interface ServiceOptions {
  readonly store: SealedStore;
  readonly references: References;
  readonly registry: RegistryReader;
  readonly sender: TransactionSender;
  /** Account with the role of the attestation service. */
  readonly account: Wallet;
  readonly chainId: number;
  readonly tasks: TaskGiver;
  /** X25519 key of the service, 32 bytes. */
  readonly servicePublicKey: Hex;
  /** For where the service verifies an agent itself. */
  readonly examine: ExamineOptions;
  /** Rounds go on only when `hasten` was called: whoever starts agents again says when they can answer. */
  readonly heldRounds?: boolean;
  /** Blocks from the opening of one round to the opening of the next. Trust must last longer. */
  readonly roundBlocks: number;
  readonly onAlert: (alert: ServiceAlert) => void;
}

export interface EnrolRequest {
  /** The owner's, for the version after the agent's last. */
  readonly consent: EnrolmentConsent;
  /** EIP-55. */
  readonly agent: string;
  /** Who runs it: verifiers are drawn from other operators where the set allows. */
  readonly operator: string;
  readonly tier: AssuranceTier;
  /** Where the agent's wrapper will listen. */
  readonly url: string;
  /** Of a run that the service trusts. */
  readonly manifest: Manifest;
  readonly root: string;
  readonly include?: readonly string[];
}

/** What a wrapping names as the libraries of the reference. */
export function librariesOf({ files }: Manifest): readonly string[] {
  return files.filter(({ role }) => role === "library").map(({ path }) => path);
}

/** Not judged any more. */
const outStatuses: readonly AttestationStatus[] = ["convicted", "retired", "withdrawn"];

/**
 * The attestation service: keeps the references, introduces agents, and holds the rounds. What it does next follows from
 * the chain and from its store alone, so it goes on wherever it was ended.
 */
export class AttestationService {
  readonly #options: ServiceOptions;
  readonly #references: References;
  readonly #files: RoundFiles;
  #hastened = false;
  #held: boolean;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#held = options.heldRounds ?? false;
    this.#references = options.references;
    this.#files = new RoundFiles(options.store);
  }

  /**
   * Commits to the reference of an agent's next version, which retires the one before.
   * @returns what its wrapper has to be given
   */
  async enrol(request: EnrolRequest): Promise<Wrapping> {
    const { agent, operator, manifest, root, consent, include = [] } = request;
    const reference = await this.draft(request);
    await this.enter(reference, operator, consent);
    return {
      format: "affiant-wrapping/1",
      agent: formatEthrDid(BigInt(this.#options.chainId), agent),
      version: reference.version,
      agentKey: reference.agentKey,
      servicePublicKey: this.#options.servicePublicKey,
      root,
      include,
      libraries: librariesOf(manifest),
    };
  }

  /**
   * A reference for an agent's next version, in the store and not yet on chain.
   * @throws AffiantError ERR_INPUT_ATTESTATION if the code was altered in memory while it was measured
   */
  async draft({ agent, tier, url, manifest }: Omit<EnrolRequest, "operator" | "root" | "consent">): Promise<Reference> {
    if (manifest.memory.altered.length > 0) {
      throw new AffiantError(
        "ERR_INPUT_ATTESTATION",
        "the reference was measured while its code in memory was altered",
      );
    }
    const { version } = await this.#options.registry.standing(agent);
    const reference = newReference(agent, version + 1, tier, url, manifest);
    // Before it is on chain: a commitment that nobody can open any more would be of no use.
    await this.#references.put(reference, manifest);
    return reference;
  }

  /** Puts a drafted reference on chain, unless it is there: what a crash left half done is done again. */
  async enter({ agent, commitment, tier }: Reference, operator: string, consent: EnrolmentConsent): Promise<void> {
    const { registry, sender } = this.#options;
    if ((await registry.standing(agent)).commitment === commitment) return;
    await sender.send("enrol", [agent, commitment, operator, assuranceTiers.indexOf(tier), consent]);
  }

  /** Has an enrolled agent verified by the one introduced before it, or by the service. */
  async introduce(agent: string): Promise<Verdict> {
    const { registry, sender, account } = this.#options;
    const target = await this.#referenceOf(agent);
    const { enrolment } = await registry.standing(agent);
    const introducer = await registry.introducer();
    const verifier = introducer === ZeroAddress ? account.address : introducer;
    const seed = zeroPadValue(toBeHex(await registry.recordCountOf(agent)), 32) as Hex;
    const place = this.#place({ number: 0, seed }, agent, enrolment, verifier);
    const file = await this.#files.target(place);
    const nonce = await this.#nonce(file, place);
    let verdict =
      introducer === ZeroAddress
        ? await this.#verifyAlone(target, place, nonce)
        : await this.#introducedBy(introducer, target, place, nonce);
    await sender.send("introduce", [agent, verdict]);
    // One lying introducer must not close the door: the service looks for itself, and its PASS counts whatever was sent before.
    if (verdict.verifier !== account.address && attestationResults[verdict.result] !== "pass") {
      verdict = await this.#stepIn(target, place);
      if (attestationResults[verdict.result] === "pass") await sender.send("introduce", [agent, verdict]);
    }
    return verdict;
  }

  /** The service steps in for an introducer that does not answer: it must not close the door to those behind it. */
  async #introducedBy(introducer: string, target: Reference, place: TaskPlace, nonce: Hex): Promise<Verdict> {
    try {
      return await this.#options.tasks.verdictOf(await this.#referenceOf(introducer), target, place, nonce);
    } catch (error) {
      this.#alert("verifier-silent", 0, (error as Error).message, introducer);
      return this.#stepIn(target, place);
    }
  }

  async #stepIn(target: Reference, place: TaskPlace): Promise<Verdict> {
    const own = { ...place, verifier: this.#options.account.address };
    return this.#verifyAlone(target, own, await this.#nonce(await this.#files.target(own), own));
  }

  /**
   * Does what is due now: opens, draws, records, closes. To be called again and again, on each block or so.
   * @returns whether there was anything to do
   */
  async step(): Promise<boolean> {
    if (this.#held) return false;
    const { registry } = this.#options;
    const round = await registry.round();
    const block = await registry.blockNumber();
    if (round?.phase === "opened") return this.#draw(round, block);
    if (round?.phase === "drawn") return this.#record(round, block);
    if ((await registry.rosterSize()) === 0 || !this.#isDue(round, block)) return false;
    this.#hastened = false;
    await this.#open();
    return true;
  }

  /** The next round is opened as soon as none is open: agents that were started again wait to be verified. */
  hasten(): void {
    this.#hastened = true;
    this.#held = false;
  }

  async #open(): Promise<void> {
    const { sender } = this.#options;
    const commitment = await this.#files.newSecret();
    try {
      await sender.send("openRound", [commitment]);
    } catch (error) {
      // Agents that left may still stand in the roster. If none do, this is refused, and was not the reason.
      await sender.send("prune", [64]).catch(() => {
        throw error;
      });
      await sender.send("openRound", [commitment]);
    }
  }

  #isDue(round: RoundState | null, block: number): boolean {
    if (!round || this.#hastened) return true;
    const { roundBlocks } = this.#options;
    if (block > round.recordUntil + 2 * roundBlocks && round.phase === "closed") {
      this.#alert("round-late", round.number, `block ${block}, and the next round is not open`);
    }
    return block >= round.openedAtBlock + roundBlocks;
  }

  async #draw(round: RoundState, block: number): Promise<boolean> {
    const { sender, registry } = this.#options;
    if (block <= round.drawBlock + (await registry.schedule()).revealDepth) return false;
    if (block > round.drawUntil) {
      this.#alert("round-void", round.number, `not drawn until block ${round.drawUntil}`);
      await sender.send("voidRound", []);
      return true;
    }
    const secret = await this.#files.secretOf(round.secretCommitment);
    if (secret === undefined) {
      this.#alert("secret-lost", round.number, "another service opened the round, or the store is an older copy");
      return false;
    }
    await sender.send("drawRound", [secret]);
    return true;
  }

  async #record(round: RoundState, block: number): Promise<boolean> {
    const { registry, sender } = this.#options;
    if (round.settled === round.size || block > round.recordUntil) {
      if (round.settled < round.size) {
        this.#alert("round-late", round.number, `${round.size - round.settled} agents are without a result`);
      }
      await sender.send("closeRound", []);
      return true;
    }
    if (block > (round.silentFrom + round.recordUntil) / 2) {
      this.#alert("round-late", round.number, `${round.settled} of ${round.size} agents have a result`);
    }
    const targets = await Promise.all([...Array(round.size).keys()].map((place) => registry.rosterAt(place)));
    // Each as soon as its verdicts are in: a slow target does not hold up the quarantine of another.
    const recorded = await Promise.all(targets.map(async (target) => (await this.#judge(round, target))?.() ?? false));
    return recorded.includes(true);
  }

  /** Gathers verdicts on one target. @returns what sends them, if they are enough */
  async #judge(round: RoundState, agent: string): Promise<(() => Promise<boolean>) | null> {
    const { registry } = this.#options;
    const standing = await registry.standing(agent);
    const escalated = standing.status === "quarantined" && standing.round === round.number;
    if (outStatuses.includes(standing.status)) return null;
    // Enrolled anew since the round was opened: the next one judges it.
    if (standing.status === "enrolled" && standing.sinceBlock > round.openedAtBlock) return null;
    if (escalated && (await registry.recordKind(standing.recordIndex)) !== "quarantined") return null;
    const target = await this.#references.byCommitment(standing.commitment).catch((error: AffiantError) => {
      this.#alert("reference-missing", round.number, error.message, agent);
      return null;
    });
    if (!target) return null;
    const file = await this.#files.target(this.#place(round, agent, standing.enrolment, ZeroAddress));
    // A verifier that fell silent in this round has a record of it as well, and is still to be verified itself.
    const settled = standing.round === round.number && !(standing.status === "silent" && file.sent === "nothing");
    if (!escalated && settled) return null;
    for (let pass = 0; pass < 3; pass++) {
      const choice = await this.#choose(round, agent, file, escalated ? standing.sinceBlock : null);
      if (choice.kind === "wait") {
        const before = Object.keys(file.verdicts).length;
        await Promise.all(choice.ask.map((verifier) => this.#ask(verifier, target, round, standing.enrolment, file)));
        if (Object.keys(file.verdicts).length === before) return null;
        continue;
      }
      return () => this.#send(round, target, standing.enrolment, file, choice, escalated);
    }
    return null;
  }

  /** @param quarantinedAt block in which the target's quarantine began; null while its panel judges */
  async #choose(round: RoundState, agent: string, file: TargetFile, quarantinedAt: number | null): Promise<Choice> {
    const { registry } = this.#options;
    const [{ verifiers }, { silenceDelay }, hearing] = await Promise.all([
      registry.panelOf(agent),
      registry.schedule(),
      registry.hearingOf(agent),
    ]);
    const drawn: Seat[] = verifiers.map((verifier) => ({ verifier, verdict: file.verdicts[verifier] }));
    const [candidates, block] = [candidateCount(round.size), (await registry.blockNumber()) + 1];
    if (quarantinedAt === null) {
      const time = { block, silentFrom: round.silentFrom, silenceDelay };
      return chooseFirst(drawn, { candidates, known: hearing.panel, time });
    }
    const time = { block, silentFrom: quarantinedAt + silenceDelay, silenceDelay };
    return chooseFresh(drawn, { ...hearing, candidates, fit: drawn.length, known: hearing.fresh, time });
  }

  async #ask(
    verifier: string,
    target: Reference,
    round: RoundState,
    enrolment: number,
    file: TargetFile,
  ): Promise<void> {
    const place = this.#place(round, target.agent, enrolment, verifier);
    const nonce = await this.#nonce(file, place);
    try {
      const reference = await this.#referenceOf(verifier);
      file.verdicts[verifier] = await this.#options.tasks.verdictOf(reference, target, place, nonce);
    } catch (error) {
      this.#alert("verifier-silent", round.number, (error as Error).message, verifier);
    }
    await this.#files.save(place, file);
  }

  async #send(
    round: RoundState,
    target: Reference,
    enrolment: number,
    file: TargetFile,
    choice: Exclude<Choice, { kind: "wait" }>,
    escalated: boolean,
  ): Promise<boolean> {
    const { sender, account, registry } = this.#options;
    const verdicts = [...choice.verdicts];
    const place = this.#place(round, target.agent, enrolment, account.address);
    if (choice.kind === "service") {
      verdicts.push(await this.#verifyAlone(target, place, await this.#nonce(file, place)));
    }
    try {
      await sender.send("recordVerdicts", [round.number, target.agent, verdicts]);
    } catch (error) {
      // Another service was faster, a verifier lost its trust meanwhile, or the chain went back: look again.
      this.#alert("refused", round.number, (error as Error).message, target.agent);
      return false;
    }
    if (choice.kind === "record" && !choice.decides) return true;
    file.sent = escalated ? "fresh" : "panel";
    await this.#files.save(place, file);
    if ((await registry.standing(target.agent)).status === "quarantined") {
      this.#alert("quarantined", round.number, "a verifier found it wanting", target.agent);
    }
    return true;
  }

  async #verifyAlone(target: Reference, place: TaskPlace, nonce: Hex): Promise<Verdict> {
    const { tasks, account } = this.#options;
    const finding = await examine(tasks.taskFor(target, place, nonce), place, this.#options.examine);
    // Of an introduction the service's PASS is not tied to how many records there are: others may write some first.
    const seed = place.round === 0 && finding.result === "pass" ? (ZeroHash as Hex) : place.seed;
    return signVerdict(finding, { ...place, seed }, account);
  }

  async #nonce(file: TargetFile, place: TaskPlace): Promise<Hex> {
    const { nonce, isNew } = nonceFor(file, place.verifier);
    if (isNew) await this.#files.save(place, file);
    return nonce;
  }

  async #referenceOf(agent: string): Promise<Reference> {
    return this.#references.byCommitment((await this.#options.registry.standing(agent)).commitment);
  }

  #place(draw: { number: number; seed: Hex }, target: string, enrolment: number, verifier: string): TaskPlace {
    const { chainId, registry } = this.#options;
    const { number: round, seed } = draw;
    return { chainId, registry: registry.address, round, seed, target, enrolment, verifier };
  }

  #alert(kind: ServiceAlert["kind"], round: number, detail: string, agent?: string): void {
    this.#options.onAlert({ kind, round, detail, ...(agent === undefined ? {} : { agent }) });
  }
}
