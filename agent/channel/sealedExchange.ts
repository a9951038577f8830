import { randomBytes } from "node:crypto";

import type { GroupChannel } from "./groupChannel.ts";
import type { CallTransport } from "../calls/callAgent.ts";
import { isProblem, problemToError } from "../relayer/problemError.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Hex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import type { GroupKeyUse } from "../../protocol/escrow/groupKeyUse.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** What a server does with a request of another member. */
export type ExchangeHandler = (request: {
  /** Lower-case address. Any member could have written it: who acts is in the signed call. */
  readonly from: Hex;
  readonly path: string;
  readonly body: string;
  /** The epoch's number, and its key by its commitment. */
  readonly under: Pick<GroupKeyUse, "epoch" | "keyCommitment">;
}) => Promise<{ readonly status: number; readonly body: string }>;

type Channel = Pick<GroupChannel, "seal" | "open">;

/** Where members take each other's messages. */
export const channelPath = "/v1/channel";

/**
 * Serves one request of another member. Requests and answers are both under the epoch's key: `{id, path, body}` →
 * `{id, status, body}`; the answer names the number of its request, so that whoever carries them cannot give one request
 * the answer of another.
 * @returns the sealed answer
 * @throws AffiantError of the channel, if the request does not open or the answer cannot be sealed; that much may be said
 *   in the clear
 */
export async function serveExchange(
  channel: Channel,
  message: Uint8Array,
  handler: ExchangeHandler,
): Promise<Uint8Array> {
  const { from, epoch, keyCommitment, plaintext } = await channel.open(message);
  const { id, path, body } = parse(plaintext, ["id", "path", "body"]);
  const answer = await handler({ from, path, body, under: { epoch: Number(epoch), keyCommitment } });
  return channel.seal(from, utf8(JSON.stringify({ id, ...answer })));
}

export interface ExchangeOptions {
  readonly channel: Channel;
  /** Address of the member that answers. */
  readonly to: string;
}

/** Carries calls to another member of the group, sealed both ways. */
export function exchangeTransport({ channel, to }: ExchangeOptions): CallTransport {
  return async (url, body, timeoutMs) => {
    const { origin, pathname: path } = new URL(url);
    const id = toHex(randomBytes(16));
    const sealed = await channel.seal(to, utf8(JSON.stringify({ id, path, body })));
    const response = await fetch(`${origin}${channelPath}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: new Uint8Array(sealed),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    // An error in the clear is the word of whoever is on the line: the call counts as not answered.
    if (!response.ok) throw await errorOf(response);
    const { from, plaintext } = await channel.open(new Uint8Array(await response.arrayBuffer()));
    const answer = parse(plaintext, ["id", "body"]);
    if (answer.id !== id || from !== to.toLowerCase()) {
      throw new AffiantError("ERR_AUTH_SENDER", "the answer is another member's, or to another request");
    }
    return { ok: answer.status === 200, value: JSON.parse(answer.body) as unknown };
  };
}

async function errorOf(response: Response): Promise<AffiantError> {
  const problem: unknown = await response.json().catch(() => undefined);
  if (isProblem(problem)) return problemToError(problem);
  return new AffiantError("ERR_UNAVAILABLE_CALLEE", `the member's server answers with status ${response.status}`);
}

function parse<Name extends string>(bytes: Uint8Array, texts: readonly Name[]) {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MESSAGE", "what was sealed is no request or answer", { cause });
  }
  const whole = texts.every((name) => typeof value[name] === "string");
  if (!whole || !isHex(value["id"], 16)) {
    throw new AffiantError("ERR_INPUT_MESSAGE", "what was sealed is no request or answer");
  }
  return value as Record<Name, string> & { readonly status?: number };
}
