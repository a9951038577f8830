/** Calls between agents, as evidence: each forgery is one change to the honest pair of entries. */
import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { auditCodes } from "../../auditor/codes.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { contractIdOf, type DelegationTerms } from "../../protocol/ucan/delegation.ts";
import { sealEnvelope } from "../../protocol/ucan/envelope.ts";
import { decodeInvocation, type InvocationTerms } from "../../protocol/ucan/invocation.ts";
import {
  call,
  type EntryChange,
  entryOf,
  link,
  nowSec,
  payment,
  refused,
  signerOf,
  stock,
  type Turned,
  turnedIn,
  verdictsOn,
  worldAround,
} from "./callWorld.ts";
import { blockTimeOf, type World } from "./world.ts";

interface Plan {
  readonly contract?: Partial<DelegationTerms>;
  readonly call?: Partial<InvocationTerms>;
  readonly callee?: EntryChange;
  /** Null: the caller enters nothing, and nothing of it is in the file. */
  readonly caller?: EntryChange | null;
  readonly state?: (contractId: ReturnType<typeof contractIdOf>) => Partial<World["state"]>;
}

/** stock calls payment under a contract; payment executes. */
async function plan({ contract, call: terms, callee, caller, state }: Plan = {}): Promise<World> {
  const chain = [await link(contract)];
  const invocation = await call(chain, terms);
  const entries = [entryOf("callee", chain, invocation, callee)];
  if (caller !== null) entries.push(entryOf("caller", chain, invocation, caller));
  return worldAround(entries, state?.(contractIdOf(chain[0]!)));
}

const tooMuch = { args: { amount: 101, currency: "USD" } };
const keyOf = (agent: typeof payment, revokedAtBlock?: number) => ({
  agent: agent.address,
  key: toHex(agent.publicKey),
  addedAtBlock: 5,
  ...(revokedAtBlock === undefined ? {} : { revokedAtBlock }),
});

const cases: readonly { what: string; make: () => Promise<World>; turns: readonly Turned[] }[] = [
  {
    what: "a call above the contract's limit, executed",
    make: () => plan({ call: tooMuch }),
    turns: [["call", "AUDIT_CALL_NOT_ALLOWED", "fails"]],
  },
  {
    what: "a call under a contract that had expired long before",
    make: () => plan({ contract: { expiresAtSec: nowSec - 300 } }),
    turns: [["call", "AUDIT_CALL_NOT_ALLOWED", "fails"]],
  },
  {
    what: "an entry with another input than the call",
    make: () => plan({ callee: { values: { input: { amount: 9, currency: "USD" } } } }),
    turns: [
      ["call", "AUDIT_CALL_OTHER", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "an entry that names another contract",
    make: () => plan({ callee: { claims: { ctr: "bafyreigrb7fktc6hrt7yiggc2jb4kh2w7kxuhpmmtsfpc7nqvkiy2x3crq" } } }),
    turns: [
      ["call", "AUDIT_CALL_OTHER", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "a call that cannot be read",
    make: () =>
      plan({ callee: { values: { context: { role: "callee", call: { invocation: "AA", contracts: [] } } } } }),
    turns: [
      ["call", "AUDIT_CALL_MALFORMED", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "a call that is not disclosed",
    make: () => plan({ caller: { values: { context: null } } }),
    turns: [
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
      ["call", "AUDIT_CALL_WITHHELD", "unproven"],
    ],
  },
  {
    what: "a contract that had been revoked",
    make: () => plan({ state: (contractId) => ({ revocations: [{ agent: payment.address, contractId, block: 20 }] }) }),
    turns: [["call", "AUDIT_CALL_REVOKED", "fails"]],
  },
  {
    what: "a contract that was revoked while the entry waited for its anchor",
    make: () => plan({ state: (contractId) => ({ revocations: [{ agent: payment.address, contractId, block: 21 }] }) }),
    turns: [["call", "AUDIT_CALL_REVOKED_IN_WINDOW", "unproven"]],
  },
  {
    what: "a contract that names somebody else's account",
    make: () => plan({ contract: { agent: stock.did } }),
    turns: [["call", "AUDIT_CALL_KEY_UNBOUND", "fails"]],
  },
  {
    what: "a contract whose key ended while the entry waited for its anchor",
    make: () => plan({ state: () => ({ keys: [keyOf(payment, 25), keyOf(stock)] }) }),
    turns: [
      ["signing-key", "AUDIT_KEY_ENDED_IN_WINDOW", "unproven"],
      ["call", "AUDIT_CALL_KEY_ENDED_IN_WINDOW", "unproven"],
      ["signing-key", "AUDIT_KEY_ENDED_IN_WINDOW", "unproven"],
    ],
  },
  {
    what: "a contract that ended, by block times, before the act",
    make: () =>
      plan({
        contract: { expiresAtSec: nowSec - 1000 },
        call: { expiresAtSec: null },
        callee: { claims: { iat: nowSec - 1100 } },
      }),
    turns: [
      ["clock", "AUDIT_CLOCK_OUTSIDE", "unproven"],
      ["call", "AUDIT_CALL_TIME", "fails"],
    ],
  },
  {
    what: "a call that ended, by block times, before the act",
    make: () => plan({ call: { expiresAtSec: nowSec - 1000 }, callee: { claims: { iat: nowSec - 1100 } } }),
    turns: [
      ["clock", "AUDIT_CLOCK_OUTSIDE", "unproven"],
      ["call", "AUDIT_CALL_TIME", "fails"],
    ],
  },
  {
    what: "a contract that began, by block times, after the act",
    make: () => plan({ contract: { notBeforeSec: nowSec + 100 } }),
    turns: [["call", "AUDIT_CALL_TIME", "fails"]],
  },
  {
    what: "a contract that ended while the entry waited for its anchor",
    make: () =>
      plan({
        contract: { expiresAtSec: nowSec + 3600 },
        state: () => ({ blockTimeSec: (block) => blockTimeOf(block) + (block > 25 ? 4000 : 0) }),
      }),
    turns: [["call", "AUDIT_CALL_TIME_IN_WINDOW", "unproven"]],
  },
  {
    what: "a caller's entry of a call that it did not sign",
    make: async () => {
      const chain = [await link()];
      const forged = await forgedCall(chain);
      const executed = await call(chain);
      const own = entryOf("caller", chain, executed);
      return worldAround([entryOf("callee", chain, executed), own, entryOf("caller", chain, forged, { before: own })]);
    },
    turns: [["call", "AUDIT_CALL_SIGNATURE", "fails"]],
  },
  {
    what: "a call executed twice",
    make: async () => {
      const chain = [await link()];
      const invocation = await call(chain);
      const first = entryOf("callee", chain, invocation);
      return worldAround([
        first,
        entryOf("callee", chain, invocation, { before: first }),
        entryOf("caller", chain, invocation),
      ]);
    },
    turns: [
      ["call-pair", "AUDIT_CALL_TWICE", "fails"],
      ["call-pair", "AUDIT_CALL_TWICE", "fails"],
    ],
  },
  {
    what: "a call whose other side is not in the file",
    make: () => plan({ caller: null }),
    turns: [["call-pair", "AUDIT_CALL_OTHER_SIDE_ABSENT", "unproven"]],
  },
];

/** Stock's name over a call that somebody else signed. */
async function forgedCall(chain: Parameters<typeof call>[0]) {
  const { payload } = (await call(chain, { nonce: new Uint8Array(12).fill(3) })).envelope;
  const { bytes } = await sealEnvelope("inv", payload, signerOf(payment));
  return decodeInvocation(bytes);
}

describe("calls in evidence", () => {
  it("hold, when both sides tell the same allowed call", async () => {
    const world = await plan();
    expect(await turnedIn(world)).to.deep.equal([]);
    const ours = (await verdictsOn(world)).filter(({ check }) => check === "call" || check === "call-pair");
    expect(ours).to.have.length(4);
  });

  it("hold, when a call without right was refused", async () => {
    expect(await turnedIn(await plan({ call: tooMuch, callee: refused }))).to.deep.equal([]);
  });

  it("are unproven as to keys and revocation without a chain", async () => {
    const { verdicts } = await auditEvidence(utf8(writeEvidence((await plan()).evidence)));
    const [found] = verdicts.filter(({ check }) => check === "call");
    expect(found).to.deep.include({ outcome: "unproven", code: "AUDIT_CHAIN_NOT_GIVEN" });
  });

  for (const { what, make, turns } of cases) {
    it(`tell ${what}`, async () => {
      expect(await turnedIn(await make())).to.deep.equal(turns);
    });
  }

  it("reach every code of calls", () => {
    const reached = new Set(cases.flatMap(({ turns }) => turns.map(([, code]) => code)));
    const codes = Object.keys(auditCodes).filter((code) => code.startsWith("AUDIT_CALL_"));
    expect([...reached]).to.include.members(codes);
  });
});
