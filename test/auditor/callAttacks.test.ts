/**
 * Lies about calls that an auditor must not believe, one row each: whose right it was, when it was, how often, and who said
 * so. Each world is honest but for what its row says; the chain answers truly.
 */
import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { auditExitCode } from "../../auditor/exitCode.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { contractIdOf, decodeDelegation } from "../../protocol/ucan/delegation.ts";
import { sealEnvelope } from "../../protocol/ucan/envelope.ts";
import { decodeInvocation } from "../../protocol/ucan/invocation.ts";
import {
  beat,
  call,
  didOf,
  entryOf,
  link,
  nowSec,
  payment,
  refused,
  signerOf,
  stock,
  type Turned,
  turnedIn,
  worldAround,
} from "./callWorld.ts";
import { agentNamed, blockTimeOf, chainOf, type TestAgent, type World } from "./world.ts";

const clerk = agentNamed("clerk");
const mallory = agentNamed("mallory");
/** Payment's account with another key: one it had before, or has beside. */
const older: TestAgent = { ...payment, ...keyPair("older") };
const year = 365 * 86_400;

function keyPair(name: string): Pick<TestAgent, "secret" | "publicKey"> {
  const { secret, publicKey } = agentNamed(name);
  return { secret, publicKey };
}

type Keys = World["state"]["keys"];
const key = (of: TestAgent, when: { addedAtBlock?: number; revokedAtBlock?: number } = {}): Keys[number] => {
  return { agent: of.address, key: toHex(of.publicKey), addedAtBlock: 5, ...when };
};
const usual = [key(payment), key(stock)];
const notAllowed: Turned = ["call", "AUDIT_CALL_NOT_ALLOWED", "fails"];
const absent: Turned = ["call-pair", "AUDIT_CALL_OTHER_SIDE_ABSENT", "unproven"];
const twice: Turned = ["call-pair", "AUDIT_CALL_TWICE", "fails"];

interface Attack {
  readonly title: string;
  readonly make: () => Promise<World>;
  readonly turns: readonly Turned[];
}

const rights: readonly Attack[] = [
  {
    title: "executed for a caller that named itself as the owner, without any contract",
    make: async () => {
      const asked = await call([], { subject: didOf(stock), executor: didOf(payment) });
      return worldAround([entryOf("callee", [], asked), entryOf("caller", [], asked)]);
    },
    turns: [notAllowed],
  },
  {
    title: "executed under a contract that its beneficiary issued to itself",
    make: async () => {
      const chain = [await link({}, stock)];
      const asked = await call(chain, { subject: didOf(stock), executor: didOf(payment) });
      return worldAround([entryOf("callee", chain, asked), entryOf("caller", chain, asked)]);
    },
    turns: [notAllowed],
  },
  {
    title: "executed under a contract of a third agent's, for its own right",
    make: async () => {
      const chain = [await link({}, clerk)];
      const asked = await call(chain, { subject: didOf(clerk), executor: didOf(payment) });
      const entries = [entryOf("callee", chain, asked), entryOf("caller", chain, asked)];
      return worldAround(entries, { keys: [...usual, key(clerk)] });
    },
    turns: [notAllowed],
  },
  {
    title: "executed under a right of the agent's former key",
    make: async () => {
      const chain = [await link({}, older)];
      const asked = await call(chain, { subject: didOf(older), executor: didOf(payment) });
      const entries = [entryOf("callee", chain, asked), entryOf("caller", chain, asked)];
      return worldAround(entries, { keys: [...usual, key(older, { revokedAtBlock: 20 })] });
    },
    turns: [notAllowed],
  },
  {
    title: "executed under a right of the agent's other key, that ended before the anchor",
    make: async () => {
      const chain = [await link({}, older)];
      const asked = await call(chain, { subject: didOf(older), executor: didOf(payment) });
      const entries = [entryOf("callee", chain, asked), entryOf("caller", chain, asked)];
      return worldAround(entries, { keys: [...usual, key(older, { revokedAtBlock: 25 })] });
    },
    turns: [["call", "AUDIT_CALL_KEY_ENDED_IN_WINDOW", "unproven"]],
  },
  {
    title: "passed on by somebody whose key had ended",
    make: () => passedOn([...usual, key(clerk, { revokedAtBlock: 20 })]),
    turns: [["call", "AUDIT_CALL_KEY_UNBOUND", "fails"]],
  },
  {
    title: "passed on by somebody whose key ended before the anchor",
    make: () => passedOn([...usual, key(clerk, { revokedAtBlock: 30 })]),
    turns: [["call", "AUDIT_CALL_KEY_ENDED_IN_WINDOW", "unproven"]],
  },
  {
    title: "passed on by somebody who names no account that could revoke it",
    make: async () => {
      const { agent: _, ...terms } = { agent: clerk.did, subject: didOf(payment) };
      const first = await link({ audience: didOf(clerk) });
      const { payload } = (await link(terms, clerk)).envelope;
      const { meta: __, ...bare } = payload;
      const second = decodeDelegation((await sealEnvelope("dlg", bare, signerOf(clerk))).bytes);
      return bothSides([first, second], [...usual, key(clerk)]);
    },
    turns: [["call", "AUDIT_CALL_KEY_UNBOUND", "fails"]],
  },
  {
    title: "granted by the agent's key in the name of another account, which has that key as well",
    make: async () => {
      const twin = { ...payment, address: clerk.address };
      return bothSides([await link({ agent: clerk.did })], [...usual, key(twin)]);
    },
    turns: [["call", "AUDIT_CALL_KEY_UNBOUND", "fails"]],
  },
  {
    title: "with a second link revoked in time, behind a first one that was revoked in the window",
    make: async () => {
      const chain = await chainOfTwo();
      const revocations = [
        { agent: payment.address, contractId: contractIdOf(chain[0]!), block: 25 },
        { agent: clerk.address, contractId: contractIdOf(chain[1]!), block: 20 },
      ];
      const world = await bothSides(chain, [...usual, key(clerk)]);
      return { ...world, state: { ...world.state, revocations } };
    },
    turns: [["call", "AUDIT_CALL_REVOKED", "fails"]],
  },
];

const clocks: readonly Attack[] = [
  {
    title: "executed a year after the contract's end, with the clock set back",
    make: async () => {
      const chain = [await link()];
      const asked = await call(chain);
      const zero = beat(payment, undefined, { iat: nowSec + year });
      const late = entryOf("callee", chain, asked, { before: zero, claims: { iat: nowSec } });
      const world = worldAround([zero, late, entryOf("caller", chain, asked)]);
      return { ...world, state: { ...world.state, blockTimeSec: (block) => blockTimeOf(block) + year } };
    },
    turns: [
      ["clock", "AUDIT_CLOCK_DECREASES", "unproven"],
      ["call", "AUDIT_CALL_TIME", "fails"],
      ["clock", "AUDIT_CLOCK_OUTSIDE", "unproven"],
    ],
  },
  {
    title: "the same with an old block named as well, so that only the anchor tells",
    make: async () => {
      const chain = [await link()];
      const world = await bothSides(chain, usual);
      const blockTimeSec = (block: number): number => blockTimeOf(block) + (block >= 30 ? year : 0);
      return { ...world, state: { ...world.state, blockTimeSec } };
    },
    turns: [["call", "AUDIT_CALL_TIME_IN_WINDOW", "unproven"]],
  },
  {
    title: "executed before the contract began, with the clock set forward",
    make: async () => {
      const chain = [await link({ notBeforeSec: nowSec + 1000, expiresAtSec: null })];
      const asked = await call(chain, { expiresAtSec: nowSec + 1100 });
      const claims = { iat: nowSec + 1000 };
      return worldAround([entryOf("callee", chain, asked, { claims }), entryOf("caller", chain, asked)]);
    },
    turns: [
      ["clock", "AUDIT_CLOCK_OUTSIDE", "unproven"],
      ["call", "AUDIT_CALL_TIME", "fails"],
      ["clock", "AUDIT_CLOCK_DECREASES", "unproven"],
    ],
  },
  {
    title: "executed early, and anchored when the contract had begun",
    make: async () => {
      const chain = [await link({ notBeforeSec: nowSec + 1000 })];
      const asked = await call(chain, { expiresAtSec: nowSec + 1300 });
      const claims = { iat: nowSec + 1000 };
      const blockTimeSec = (block: number): number => blockTimeOf(block) + (block >= 30 ? 1200 : 0);
      const entries = [entryOf("callee", chain, asked, { claims }), entryOf("caller", chain, asked)];
      return worldAround(entries, { blockTimeSec });
    },
    turns: [
      ["call", "AUDIT_CALL_TIME_IN_WINDOW", "unproven"],
      ["clock", "AUDIT_CLOCK_DECREASES", "unproven"],
    ],
  },
];

const counts: readonly Attack[] = [
  {
    title: "one task in two envelopes, executed twice",
    make: async () => {
      const chain = [await link()];
      const [a, b] = [await call(chain), await call(chain, { expiresAtSec: nowSec + 61 })];
      expect(a.taskCid).to.equal(b.taskCid);
      const done = entryOf("callee", chain, a);
      const asked = entryOf("caller", chain, a);
      return worldAround([
        done,
        entryOf("callee", chain, b, { before: done }),
        asked,
        entryOf("caller", chain, b, { before: asked }),
      ]);
    },
    turns: [twice, twice],
  },
  {
    title: "one task under two contracts, executed twice",
    make: async () => {
      const [one, other] = [[await link()], [await link({ nonce: new Uint8Array(12).fill(9) })]];
      const [a, b] = [await call(one), await call(other)];
      const done = entryOf("callee", one, a);
      const asked = entryOf("caller", one, a);
      return worldAround([
        done,
        entryOf("callee", other, b, { before: done }),
        asked,
        entryOf("caller", other, b, { before: asked }),
      ]);
    },
    turns: [twice, twice],
  },
  {
    title: "one task executed twice, the second time under the name of a refusal",
    make: async () => {
      const chain = [await link()];
      const asked = await call(chain);
      const done = entryOf("callee", chain, asked);
      const again = entryOf("callee", chain, asked, { before: done, claims: { kind: "refusal" } });
      return worldAround([done, again, entryOf("caller", chain, asked)]);
    },
    turns: [twice, twice],
  },
  {
    title: "one task done, and a second entry of it whose output is withheld",
    make: async () => {
      const chain = [await link()];
      const asked = await call(chain);
      const done = entryOf("callee", chain, asked);
      const again = entryOf("callee", chain, asked, { before: done, ...refused });
      return withheld(worldAround([done, again, entryOf("caller", chain, asked)]), 1);
    },
    turns: [
      ["call-pair", "AUDIT_CALL_WITHHELD", "unproven"],
      ["call-pair", "AUDIT_CALL_WITHHELD", "unproven"],
    ],
  },
];

const names: readonly Attack[] = [
  {
    title: "a call beyond its contract, done and entered as a refusal",
    make: () => beyond({ claims: { kind: "refusal" } }),
    turns: [notAllowed],
  },
  {
    title: "a call beyond its contract, done and entered as a heartbeat",
    make: () => beyond({ claims: { kind: "heartbeat" } }),
    turns: [notAllowed],
  },
  {
    title: "a call beyond its contract, entered as a refusal whose output is withheld",
    make: async () => withheld(await beyond(refused), 0),
    turns: [["call", "AUDIT_CALL_WITHHELD", "unproven"]],
  },
  {
    title: "a caller's entry of a call that it did not sign",
    make: async () => {
      const chain = [await link()];
      const forged = await forgedCall(chain);
      return worldAround([beat(payment), entryOf("caller", chain, forged)]);
    },
    turns: [["call", "AUDIT_CALL_SIGNATURE", "fails"]],
  },
  {
    title: "a call that the agent's own friend forged in the caller's name, executed",
    make: async () => {
      const chain = [await link()];
      const forged = await forgedCall(chain);
      return worldAround([entryOf("callee", chain, forged), beat(stock)]);
    },
    turns: [notAllowed],
  },
  {
    title: "an execution that its caller, who is in the file, never entered",
    make: async () => {
      const chain = [await link()];
      return worldAround([entryOf("callee", chain, await call(chain)), beat(stock)]);
    },
    turns: [["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"]],
  },
  {
    title: "an execution whose caller is nowhere",
    make: async () => {
      const chain = [await link()];
      return worldAround([entryOf("callee", chain, await call(chain))]);
    },
    turns: [absent],
  },
  {
    title: "a call to somebody of whom nothing is known, not even a key",
    make: async () => {
      const chain = [await link()];
      const { payload } = (await call(chain)).envelope;
      const asked = { ...payload, aud: "did:web:nowhere.example" };
      const { bytes } = await sealEnvelope("inv", asked, signerOf(stock));
      return worldAround([beat(payment), entryOf("caller", chain, decodeInvocation(bytes))]);
    },
    turns: [absent],
  },
];

/** What strangers do to an honest agent must leave no mark on its record. */
const honest: readonly Attack[] = [
  {
    title: "a call of a stranger's, refused, leaves no doubt behind",
    make: async () => {
      const asked = await call([], { subject: didOf(mallory), executor: didOf(payment) }, mallory);
      return worldAround([entryOf("callee", [], asked, refused)]);
    },
    turns: [],
  },
  {
    title: "a call forged in another agent's name, refused, does not say that the other kept it back",
    make: async () => {
      const chain = [await link()];
      return worldAround([entryOf("callee", chain, await forgedCall(chain), refused), beat(stock)]);
    },
    turns: [],
  },
  {
    title: "a call made out to somebody else, refused",
    make: async () => {
      const chain = [await link()];
      const asked = await call(chain, { executor: didOf(clerk) });
      return worldAround([entryOf("callee", chain, asked, refused), entryOf("caller", chain, asked)]);
    },
    turns: [absent],
  },
  {
    title: "a call under the agent's other key, which is as good",
    make: async () => {
      const chain = [await link({}, older)];
      const asked = await call(chain, { subject: didOf(older), executor: didOf(payment) });
      const entries = [entryOf("callee", chain, asked), entryOf("caller", chain, asked)];
      return worldAround(entries, { keys: [...usual, key(older)] });
    },
    turns: [],
  },
  {
    title: "a right that was passed on",
    make: () => passedOn([...usual, key(clerk)]),
    turns: [],
  },
  {
    title: "a task that was asked for twice and done once",
    make: async () => {
      const chain = [await link()];
      const [a, b] = [await call(chain), await call(chain, { expiresAtSec: nowSec + 61 })];
      const done = entryOf("callee", chain, a);
      const asked = entryOf("caller", chain, a);
      return worldAround([
        done,
        entryOf("callee", chain, b, { before: done, ...refused }),
        asked,
        entryOf("caller", chain, b, { before: asked }),
      ]);
    },
    turns: [],
  },
];

async function chainOfTwo() {
  return [await link({ audience: didOf(clerk) }), await link({ subject: didOf(payment) }, clerk)];
}

async function passedOn(keys: Keys): Promise<World> {
  return bothSides(await chainOfTwo(), keys);
}

async function bothSides(chain: Parameters<typeof call>[0], keys: Keys): Promise<World> {
  const asked = await call(chain);
  return worldAround([entryOf("callee", chain, asked), entryOf("caller", chain, asked)], { keys });
}

async function beyond(change: Parameters<typeof entryOf>[3]): Promise<World> {
  const chain = [await link()];
  const asked = await call(chain, { args: { amount: 101, currency: "USD" } });
  return worldAround([entryOf("callee", chain, asked, change), entryOf("caller", chain, asked)]);
}

/** Stock's name over a call that mallory signed. */
async function forgedCall(chain: Parameters<typeof call>[0]) {
  const { payload } = (await call(chain)).envelope;
  return decodeInvocation((await sealEnvelope("inv", payload, signerOf(mallory))).bytes);
}

/** The same file without the output of one entry. */
function withheld(world: World, position: number): World {
  const entries = world.evidence.entries.map((entry, i) => {
    if (i !== position) return entry;
    const kept = entry.disclosures.filter((text) => !Buffer.from(text, "base64url").toString().includes('"output"'));
    return { ...entry, disclosures: kept };
  });
  return { ...world, evidence: { ...world.evidence, entries } };
}

describe("lies about calls", () => {
  const tables = { "whose right it was": rights, "when it was": clocks, "how often": counts, "who did what": names };
  for (const [about, attacks] of Object.entries(tables)) {
    describe(about, () => {
      for (const { title, make, turns } of attacks) {
        it(`do not pass: ${title}`, async () => {
          const world = await make();
          expect(await turnedIn(world)).to.deep.equal(turns);
          const report = await auditEvidence(utf8(writeEvidence(world.evidence)), { chain: chainOf(world.state) });
          expect(report.summary.fullyProven).to.equal(false);
          const fails = turns.some(([, , outcome]) => outcome === "fails");
          // 4: what is withheld may have broken a rule besides.
          expect(auditExitCode(report)).to.be.oneOf(fails ? [1] : [3, 4]);
        });
      }
    });
  }

  describe("are not seen where there are none", () => {
    for (const { title, make, turns } of honest) {
      it(title, async () => expect(await turnedIn(await make())).to.deep.equal(turns));
    }
  });
});
