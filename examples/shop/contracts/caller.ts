import { setTimeout as sleep } from "node:timers/promises";

import type { Agent } from "../../../agent/agent.ts";
import { deliverCall, enterCall, issueCall } from "../../../agent/calls/callAgent.ts";
import type { GroupMember } from "../../../agent/channel/groupMember.ts";
import { exchangeTransport } from "../../../agent/channel/sealedExchange.ts";
import type { CallAnswer } from "../../../agent/calls/callRecord.ts";
import { parseEthrDid } from "../../../protocol/did/ethr.ts";
import type { KeyDid } from "../../../protocol/did/key.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { type Call, formatCall, parseCall } from "../../../protocol/ucan/callMessage.ts";
import type { IpldMap } from "../../../protocol/ucan/ipld.ts";
import type { Station } from "../station/station.ts";
import type { CallBook, Outcome } from "./callBook.ts";
import type { ContractFolder } from "./contractFolder.ts";
import { nameOfGrant } from "./grant.ts";

/** A step that another agent is to take. */
export interface Request {
  /** Name of the agent, as in the pipeline. */
  readonly peer: string;
  readonly command: string;
  /** The command whose contract is presented; the same unless the agent tries what it has no contract for. */
  readonly under?: string;
  readonly orderId: string;
  readonly args: IpldMap;
}

export interface CallerOptions {
  readonly name: string;
  readonly agent: Pick<Agent, "signer">;
  readonly station: Pick<Station, "record">;
  readonly book: CallBook;
  readonly folder: ContractFolder;
  /** Whether an agent has put a step of an order on record: asked about one that does not answer any more. */
  readonly entered: (agent: string, act: string, orderId: string) => Promise<boolean>;
  readonly peers: Readonly<Record<string, string>>;
  /** The group under whose key the agents talk; none: in the clear. */
  readonly channel?: Pick<GroupMember, "seal" | "open">;
  readonly nowSec: () => number;
  readonly stop: AbortSignal;
}

/** Nobody knows whether the callee got the call; it is delivered again, unchanged. */
const noAnswer: readonly string[] = ["ERR_UNAVAILABLE_CALLEE", "ERR_INTERNAL_UNEXPECTED"];
/** An earlier delivery may have been executed: the callee is asked what came of it. */
const maybeExecuted: readonly string[] = ["ERR_CONFLICT_REPLAY", "ERR_AUTH_CONTRACT_TIME"];
/** The callee did nothing and remembers nothing; a new call may do better. */
const later: readonly string[] = ["ERR_UNAVAILABLE_CHAIN"];

/**
 * Asks other agents for steps, each under a contract and each exactly once, whatever crashes on either side:
 *
 * 1. A call is signed and stored, then delivered, unchanged, until the callee answers. The callee executes it at most once
 *    and enters every delivery, so no call is on one side's record alone.
 * 2. If the answer says that it came before (409), or too late, a call to `<command>/result`, which changes nothing and
 *    is covered by the same contract, tells what came of the step. Only if nothing did, it is asked for anew.
 * 3. An answer is stored before it is entered, and entered before it is acted on.
 * 4. If the callee was replaced by another identity before it answered, nobody asks that one in its place: what became of
 *    the step is left to a person, and the call is entered if, and only if, the callee entered it.
 */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  async ask(request: Request): Promise<Outcome> {
    const { book, station, stop } = this.#options;
    const { orderId } = request;
    const act = nameOfGrant(request.command);
    const key = `${orderId}/${act}`;
    for (;;) {
      stop.throwIfAborted();
      const open = book.find(key);
      if (open.outcome) return open.outcome;
      if (open.message === null) {
        const message = JSON.stringify(await this.#sign(request, open.asking));
        book.store(key, { ...open, message });
        continue;
      }
      const call = parseCall(JSON.parse(open.message));
      if (!open.answer) {
        book.store(key, { ...open, answer: toStored(await this.#deliver(request, open.asking, call)) });
        continue;
      }
      const answer = fromStored(open.answer);
      if (!isReplaced(answer) || (await this.#enteredByCallee(call, act, orderId))) {
        await enterCall({ record: (entry) => station.record(entry) }, call, answer, orderId);
      }
      const next = open.asking ? afterAsking(act, answer) : afterDoing(act, answer);
      book.store(key, { message: null, answer: null, asking: next.asking, outcome: next.outcome ?? null });
      if (next.pause) await sleep(250, undefined, { signal: stop });
    }
  }

  async #sign({ command, under, orderId, args }: Request, asking: boolean) {
    const { name, agent, folder, nowSec, stop } = this.#options;
    let contract = folder.find(name, under ?? command);
    while (!contract) {
      // The callee issues it when it starts.
      await sleep(100, undefined, { signal: stop });
      contract = folder.find(name, under ?? command);
    }
    const { invocation } = await issueCall({
      signer: agent.signer,
      subject: contract.subject as KeyDid,
      command: asking ? `${command}/result` : command,
      args: { ...args, orderId },
      chain: [contract],
      nowSec: nowSec(),
      lifetimeSec: 120,
    });
    return formatCall(invocation, [contract]);
  }

  async #enteredByCallee({ delegations }: Call, act: string, orderId: string): Promise<boolean> {
    const grantor = [...delegations.values()].find(({ issuerAgent }) => issuerAgent !== undefined);
    return grantor?.issuerAgent !== undefined && this.#options.entered(grantor.issuerAgent, act, orderId);
  }

  async #deliver({ peer, command }: Request, asking: boolean, call: Call): Promise<CallAnswer> {
    const { peers, folder, stop, channel } = this.#options;
    const [contract] = call.delegations.values();
    const peerAgent = contract?.issuerAgent;
    // Who granted the contract is who is called: nobody else is told what is asked.
    const transport = channel && peerAgent && exchangeTransport({ channel, to: parseEthrDid(peerAgent).address });
    if (channel && !transport) throw new AffiantError("ERR_INPUT_UCAN", "the contract does not name its agent");
    const url = `${peers[peer]}/v1${command}${asking ? "/result" : ""}`;
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
      stop.throwIfAborted();
      const present = folder.keyOf(peer);
      if (present !== undefined && present !== call.invocation.executor) {
        return { error: new AffiantError("ERR_UNAVAILABLE_CALLEE", replaced(peer)) };
      }
      const answer = await deliverCall(url, call, 60_000, transport);
      if (!("error" in answer) || !noAnswer.includes(answer.error.code)) return answer;
      await sleep(delayMs, undefined, { signal: stop });
    }
  }
}

function replaced(peer: string): string {
  return `${peer} was replaced before it answered; a person has to find out what it did`;
}

/** The only answer of this kind that is kept: others are asked for again. */
function isReplaced(answer: CallAnswer): boolean {
  return "error" in answer && answer.error.code === "ERR_UNAVAILABLE_CALLEE";
}

interface Next {
  readonly asking: boolean;
  readonly outcome?: Outcome;
  readonly pause?: boolean;
}

function afterDoing(act: string, answer: CallAnswer): Next {
  if ("result" in answer) return { asking: false, outcome: { act, output: answer.result } };
  const { code, message } = answer.error;
  if (maybeExecuted.includes(code)) return { asking: true };
  if (later.includes(code)) return { asking: false, pause: true };
  return { asking: false, outcome: { act, refused: { code, reason: message } } };
}

function afterAsking(act: string, answer: CallAnswer): Next {
  if ("error" in answer) {
    const { code, message } = answer.error;
    if (maybeExecuted.includes(code) || later.includes(code)) return { asking: true, pause: true };
    return { asking: false, outcome: { act, refused: { code, reason: message } } };
  }
  const found = answer.result as unknown as { step: null | Omit<Outcome, "act"> };
  return found.step === null
    ? { asking: false }
    : { asking: false, outcome: { act, ...found.step } as unknown as Outcome };
}

function toStored(answer: CallAnswer) {
  return "result" in answer ? answer : { error: { code: answer.error.code, message: answer.error.message } };
}

function fromStored(answer: ReturnType<typeof toStored>): CallAnswer {
  return "result" in answer ? answer : { error: new AffiantError(answer.error.code, answer.error.message) };
}
