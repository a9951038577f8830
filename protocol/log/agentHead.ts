import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { parseEthrDid } from "../did/ethr.ts";
import { type Hex, isHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { parseDecimal } from "./checkpoint.ts";
import { hashLength } from "./hash.ts";

const firstLine = "affiant-agent-head/1";

/**
 * Where an agent's entries end in one tree of a log: what the log's key states when it says that it has shown all of them.
 * False, it convicts the log: any entry of the agent with `seq >= count` under this very root is the proof.
 */
export interface AgentHeadStatement {
  readonly origin: string;
  /** Of the tree that is spoken of. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** `did:ethr:…` */
  readonly agent: string;
  /** Entries of the agent among the first `size`: their `seq` are 0 to `count - 1`. */
  readonly count: number;
  /** `entryId` of the last of them; null exactly when there is none. */
  readonly lastEntryId: Hex | null;
}

/**
 * The text that is signed as a C2SP note under the log's key. No checkpoint reads like it and no other way round: a
 * checkpoint has three lines.
 * @throws AffiantError ERR_INPUT_NOTE
 */
export function formatAgentHead(statement: AgentHeadStatement): string {
  const { origin, size, root, agent, count, lastEntryId } = statement;
  const text = `${[firstLine, origin, size, toBase64(root), agent, count, lastEntryId ?? "none"].join("\n")}\n`;
  parseAgentHead(text);
  return text;
}

/**
 * Reads the text of a note (what `verifyNote` gives). Every value has one spelling.
 * @throws AffiantError ERR_INPUT_NOTE
 */
export function parseAgentHead(text: string): AgentHeadStatement {
  const [first, origin, sizeText, rootText, agent, countText, last, end, ...rest] = text.split("\n");
  if (first !== firstLine || origin === undefined || origin === "" || end !== "" || rest.length > 0) {
    throw malformed("it has not its seven lines");
  }
  const [size, count] = [parseDecimal(sizeText ?? ""), parseDecimal(countText ?? "")];
  if (size === undefined || count === undefined || count > size) throw malformed("its size or its count is no number");
  let root: Uint8Array;
  try {
    root = fromBase64(rootText ?? "");
    parseEthrDid(agent ?? "");
  } catch (cause) {
    throw malformed("its root is not base64, or its agent is no DID", cause);
  }
  if (root.length !== hashLength) throw malformed("its root has not 32 bytes");
  const lastEntryId = last === "none" ? null : last;
  const isPaired = count === 0 ? lastEntryId === null : isHex(lastEntryId, 32);
  if (!isPaired) throw malformed("its last entry does not go with its count");
  return { origin, size, root, agent: agent ?? "", count, lastEntryId: lastEntryId as Hex | null };
}

function malformed(why: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_NOTE", `not a statement of an agent's head: ${why}`, { cause });
}
