import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { listOf, numberOf, type Row, textOf } from "../projections/projection.ts";
import type { StateReader } from "./reader.ts";
import { isActive, type Trust, trustOf } from "./trust.ts";

/** An agent as the chain has it at a block: the first half of its proof chain, identity to policy to attestation. */
export interface AgentView {
  readonly did: string;
  readonly agent: string;
  readonly owner: string;
  readonly isActive: boolean;
  readonly registeredAtBlock: number;
  readonly endedAtBlock: number | null;
  readonly successor: string | null;
  /** Proven in zero knowledge to be its key's (Groth16, `key-ownership`); null: no proof is on record. */
  readonly zkIdentity: { readonly commitment: string; readonly provedAtBlock: number } | null;
  /** Keys that speak for it at the block, oldest first. */
  readonly signingKeys: readonly { readonly key: string; readonly addedAtBlock: number }[];
  readonly policy: { readonly policyHash: string; readonly version: number; readonly sinceBlock: number } | null;
  readonly trust: Trust;
  readonly card: {
    readonly uri: string;
    readonly contentHash: string;
    readonly capabilities: readonly string[];
  } | null;
}

/** @throws AffiantError ERR_NOT_FOUND_RECORD for an account that is no agent at the block */
export async function agentView(reader: StateReader, agent: string): Promise<AgentView> {
  const row = await reader.row("agents", agent);
  if (row?.["registeredAtBlock"] === undefined) {
    throw new AffiantError("ERR_NOT_FOUND_RECORD", `${agent} is no agent at block ${reader.block.asOf}`);
  }
  const active = await isActive(reader, agent);
  const [policy, card] = [await reader.row("policies", agent), await reader.row("cards", `agent/${agent}`)];
  return {
    did: formatEthrDid(BigInt(reader.block.chainId), agent),
    agent,
    owner: textOf(row["owner"] ?? agent),
    isActive: active,
    registeredAtBlock: numberOf(row["registeredAtBlock"]),
    endedAtBlock: row["endedAtBlock"] === undefined ? null : numberOf(row["endedAtBlock"]),
    successor: row["successor"] === undefined ? null : textOf(row["successor"]),
    zkIdentity: zkIdentityOf(row),
    signingKeys: active ? await keysOf(reader, agent) : [],
    policy: policy
      ? {
          policyHash: textOf(policy["policyHash"]),
          version: numberOf(policy["version"]),
          sinceBlock: numberOf(policy["sinceBlock"]),
        }
      : null,
    trust: await trustOf(reader, agent),
    card: card
      ? {
          uri: textOf(card["uri"]),
          contentHash: textOf(card["contentHash"]),
          capabilities: listOf(card["capabilities"]).map(capabilityText),
        }
      : null,
  };
}

function zkIdentityOf(row: Row): AgentView["zkIdentity"] {
  const { commitment, commitmentBlock } = row;
  return commitment === undefined
    ? null
    : { commitment: textOf(commitment), provedAtBlock: numberOf(commitmentBlock ?? 0) };
}

/** As many as an agent can have in its life (`MAX_SIGNING_KEYS`). */
const maxKeys = 256;

async function keysOf(reader: StateReader, agent: string): Promise<AgentView["signingKeys"]> {
  const found = await reader.page("keys", { prefix: `${agent}/`, limit: maxKeys });
  return found
    .filter(({ row }) => row["revokedAtBlock"] === undefined)
    .map(({ key, row }) => ({ key: key.slice(agent.length + 1), addedAtBlock: numberOf(row["addedAtBlock"]), row }))
    .sort((a, b) => a.addedAtBlock - b.addedAtBlock || numberOf(a.row["logIndex"]) - numberOf(b.row["logIndex"]))
    .map(({ key, addedAtBlock }) => ({ key, addedAtBlock }));
}

/** 32 bytes of ASCII, zeros behind; anything else stays hex. */
export function capabilityText(word: string): string {
  const bytes = Buffer.from(word.slice(2), "hex");
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end < 0 ? bytes.length : end).toString("latin1");
  return /^[!-~]{1,32}$/.test(text) && bytes.subarray(text.length).every((byte) => byte === 0) ? text : word;
}

/** The other way. @throws AffiantError ERR_INPUT_MALFORMED */
export function capabilityWord(text: string): string {
  if (!/^[!-~]{1,32}$/.test(text)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "a capability is 1 to 32 characters of printable ASCII");
  }
  return `0x${Buffer.from(text, "latin1").toString("hex").padEnd(64, "0")}`;
}

/** Agents whose card of now declares a capability, by account. */
export async function agentsWith(
  reader: StateReader,
  capability: string,
  after: string | undefined,
  limit: number,
): Promise<readonly string[]> {
  const prefix = `capability/${capabilityWord(capability)}/`;
  const found: string[] = [];
  for (let cursor = after === undefined ? prefix : `${prefix}${after}`; found.length < limit;) {
    const page = await reader.page("cards", { prefix, after: cursor, limit: 200 });
    for (const { key, row } of page) {
      const agent = key.slice(prefix.length);
      const card = await reader.row("cards", `agent/${agent}`);
      if (card?.["contentHash"] === row["contentHash"] && (await isActive(reader, agent))) found.push(agent);
      if (found.length === limit) return found;
      cursor = key;
    }
    if (page.length < 200) return found;
  }
  return found;
}
