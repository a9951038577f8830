import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { stateHash } from "../../fold/stateHash.ts";
import { agentsWith, agentView } from "../../queries/agentView.ts";
import { type AnsweredBlock, readAt, type StateReader } from "../../queries/reader.ts";
import { rowName } from "../../store/store.ts";
import type { Answered, Asked, Operation, ParameterSchema, Service } from "../operation.ts";
import {
  address,
  agent,
  capability,
  envelope,
  exactly,
  hash,
  list,
  pageLimit,
  projectionName,
  text,
  whole,
} from "../schemas.ts";

const chain: ParameterSchema = { in: "query", schema: { ...whole, minimum: 1 } };
const asOf: ParameterSchema = { in: "query", schema: whole };
/** Read-your-writes: the answer is of this block or a later one, or 503 says that it is not reached yet. */
const atLeast: ParameterSchema = { in: "query", schema: whole };
const common = { chain, asOf, atLeast };

/** Answers of one block, by which the same answer can be asked for again. */
async function answered(
  service: Service,
  { parameters, url }: Asked,
  read: (reader: StateReader) => Promise<object & { readonly next?: string }>,
): Promise<Answered> {
  const chainId = Number(parameters["chain"] ?? service.chainId);
  const wanted = parameters["asOf"] === undefined ? undefined : Number(parameters["asOf"]);
  await reached(service, chainId, Number(parameters["atLeast"] ?? 0));
  const { block, data } = await readAt(service.store, chainId, wanted, read);
  return { body: { block, self: selfOf(url, block), ...data } };
}

async function reached({ store }: Service, chainId: number, number: number): Promise<void> {
  const at = (await store.state(chainId))?.position.number ?? -1;
  if (at >= number) return;
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `block ${number} is not reached yet: the newest is ${at}`, {
    details: { position: at },
  });
}

function selfOf(url: string, { asOf: number, chainId }: AnsweredBlock): string {
  const asked = new URL(url, "http://directory");
  asked.searchParams.delete("atLeast");
  asked.searchParams.set("asOf", String(number));
  asked.searchParams.set("chain", String(chainId));
  asked.searchParams.sort();
  return `${asked.pathname}?${asked.searchParams.toString()}`;
}

export const getAgent: Operation = {
  method: "GET",
  path: "/v1/agents/{agent}",
  summary: "An agent at a block: owner, keys, policy in force, attestation, card",
  parameters: { agent: { in: "path", schema: address }, ...common },
  answer: envelope(agent),
  run: (service, asked) =>
    answered(service, asked, async (reader) => ({ data: await agentView(reader, String(asked.parameters["agent"])) })),
};

export const listAgents: Operation = {
  method: "GET",
  path: "/v1/agents",
  summary: "Agents by account; with `capability` those whose card declares it",
  parameters: {
    capability: { in: "query", schema: capability },
    after: { in: "query", schema: address },
    limit: { in: "query", schema: pageLimit },
    ...common,
  },
  answer: envelope(list(address), { next: address }),
  run: (service, asked) =>
    answered(service, asked, async (reader) => {
      const { after, capability: wanted, limit = 100 } = asked.parameters;
      const cursor = after === undefined ? undefined : String(after);
      const accounts =
        wanted === undefined
          ? await registered(reader, cursor, Number(limit))
          : await agentsWith(reader, String(wanted), cursor, Number(limit));
      const last = accounts.at(-1);
      return { data: accounts, ...(accounts.length === Number(limit) && last ? { next: last } : {}) };
    }),
};

async function registered(reader: StateReader, after: string | undefined, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (let cursor = after; ;) {
    const page = await reader.page("agents", { after: cursor, limit: 1_000 });
    for (const { key, row } of page) {
      if (row["registeredAtBlock"] !== undefined) found.push(key);
      if (found.length === limit) return found;
      cursor = key;
    }
    if (page.length < 1_000) return found;
  }
}

const key = { type: "string", pattern: "^[0-9A-Za-z./]{0,600}$" };
const row = { type: "object" };

export const listRows: Operation = {
  method: "GET",
  path: "/v1/rows/{projection}",
  summary: "Rows of one projection by key, all of them or those below a prefix",
  parameters: {
    projection: { in: "path", schema: projectionName },
    prefix: { in: "query", schema: key },
    after: { in: "query", schema: key },
    limit: { in: "query", schema: pageLimit },
    ...common,
  },
  answer: envelope(list(exactly({ key: text, row })), { next: text }),
  run: (service, asked) =>
    answered(service, asked, async (reader) => {
      const { projection, prefix, after, limit = 100 } = asked.parameters;
      const options = {
        prefix: prefix as string | undefined,
        after: after as string | undefined,
        limit: Number(limit),
      };
      const data = await reader.page(String(projection), options);
      const last = data.at(-1);
      return { data, ...(data.length === options.limit && last ? { next: last.key } : {}) };
    }),
};

export const getRow: Operation = {
  method: "GET",
  path: "/v1/rows/{projection}/{rest}",
  summary: "One row of a projection",
  parameters: { projection: { in: "path", schema: projectionName }, rest: { in: "path", schema: key }, ...common },
  answer: envelope(row),
  run: (service, asked) =>
    answered(service, asked, async (reader) => {
      const { projection, rest } = asked.parameters;
      const found = await reader.row(String(projection), String(rest));
      if (found) return { data: found };
      const name = rowName({ projection: String(projection), key: String(rest) }).replace("\n", "/");
      throw new AffiantError("ERR_NOT_FOUND_RECORD", `there is no ${name} at block ${reader.block.asOf}`);
    }),
};

export const getState: Operation = {
  method: "GET",
  path: "/v1/state",
  summary: "The hash of all projected rows at a block: two directories that agree have the same",
  parameters: common,
  answer: envelope(exactly({ stateHash: hash })),
  run: (service, asked) =>
    answered(service, asked, async ({ block }) => ({
      data: { stateHash: await stateHash(service.store, block.chainId, block.asOf) },
    })),
};

export const getStatus: Operation = {
  method: "GET",
  path: "/v1/status",
  summary: "How far each chain is followed",
  answer: exactly({
    chains: list(
      exactly(
        { chainId: whole, number: whole, hash, timestampSec: whole, oldest: whole },
        { safeNumber: whole, finalizedNumber: whole },
      ),
    ),
  }),
  run: async ({ store }) => {
    const chains = [];
    for (const chainId of await store.chains()) {
      const state = await store.state(chainId);
      if (!state) continue;
      const { position, floor: oldest, safeNumber, finalizedNumber } = state;
      const { number, hash: at, timestampSec } = position;
      chains.push({ chainId, number, hash: at, timestampSec, oldest, safeNumber, finalizedNumber });
    }
    return { body: { chains } };
  },
};

export const chainOperations: readonly Operation[] = [getStatus, getState, listAgents, getAgent, listRows, getRow];
