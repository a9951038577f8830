import { createHash } from "node:crypto";

import { expect } from "chai";

import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";
import { PolicyCheck } from "../../relayer/policies/policyCheck.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { type Answer, RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { shopBundle } from "../protocol/policy/bundle.ts";

const canonical = (bundle: PolicyBundle) => toCanonicalJson(bundle as never);

describe("relayer: policy bundles", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let actor: Actor;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
    actor = await Actor.registered(chain);
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  /** Of an agent that has committed to it. */
  const put = async (bundle: PolicyBundle): Promise<Answer> => {
    await actor.commit(policyHashOf(bundle));
    return relayer.put(pathOf(bundle, actor), canonical(bundle));
  };
  const pathOf = (bundle: PolicyBundle, { account }: Actor) =>
    `/v1/policies/${policyHashOf(bundle)}?agent=${account.address.toLowerCase()}`;

  it("keeps nothing that the agent has not committed to on chain", async () => {
    const other = await Actor.registered(chain);
    const bundle = { ...shopBundle, name: "uncommitted" };
    await other.commit(policyHashOf(bundle));
    const refused = await relayer.put(pathOf(bundle, actor), canonical(bundle));
    expect([refused.status, refused.body.code]).to.deep.equal([409, "ERR_CONFLICT_POLICY_UNCOMMITTED"]);
    expect((await relayer.get(`/v1/policies/${policyHashOf(bundle)}`)).status).to.equal(404);
    const unnamed = await relayer.put(`/v1/policies/${policyHashOf(bundle)}`, canonical(bundle));
    expect([unnamed.status, unnamed.body.code]).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect((await relayer.put(pathOf(bundle, other), canonical(bundle))).status).to.equal(201);
    // It is kept: whoever names it now, the answer is the same.
    expect((await relayer.put(pathOf(bundle, actor), canonical(bundle))).status).to.equal(200);
  });

  it("keeps a bundle that validates, byte for byte, and knows it again", async () => {
    expect((await put(shopBundle)).status).to.equal(201);
    expect((await put(shopBundle)).status).to.equal(200);
    expect((await relayer.get(`/v1/policies/${policyHashOf(shopBundle)}`)).text).to.equal(canonical(shopBundle));
  });

  // Each differs from the bundle that was kept in one thing.
  const cases: readonly (readonly [what: string, change: Partial<PolicyBundle>, words: string])[] = [
    [
      "a policy that asks for an attribute without testing that it is there",
      { policies: shopBundle.policies.replace("context has cents && ", "") },
      "unable to guarantee safety of access to optional attribute `cents`",
    ],
    [
      "a policy about an act that the schema does not have",
      { policies: shopBundle.policies.replaceAll('"payment.charge"', '"payment.pay"') },
      "payment.pay",
    ],
    ["a policy that does not parse", { policies: shopBundle.policies.replace("forbid", "forbids") }, "forbids"],
    [
      "a schema that does not parse",
      { schema: shopBundle.schema.replace("entity Agent;", "entity Agent") },
      "expected",
    ],
    ["a fact that does not parse", { facts: { ...shopBundle.facts, cents: "input.(" } }, "cents"],
    ["a fact that no act declares", { facts: { ...shopBundle.facts, stray: "input.x" } }, "fact stray"],
    ["another format", { format: "affiant-policy/2" as never }, "`format` is not affiant-policy/1"],
  ];
  for (const [what, change, words] of cases) {
    it(`refuses ${what}, in the judge's words, and keeps nothing`, async () => {
      const bundle = { ...shopBundle, ...change };
      const { status, body } = await put(bundle);
      expect([status, body.code]).to.deep.equal([400, "ERR_INPUT_POLICY"]);
      expect(body.detail).to.contain(words);
      expect((await relayer.get(`/v1/policies/${policyHashOf(bundle)}`)).status).to.equal(404);
    });
  }

  it("refuses a good bundle under the hash of another, and in another spelling", async () => {
    const path = pathOf(shopBundle, actor);
    const other = await relayer.put(path, canonical({ ...shopBundle, name: "shop2" }));
    expect([other.status, other.body.code]).to.deep.equal([400, "ERR_INPUT_POLICY"]);
    const text = ` ${canonical(shopBundle)}`;
    const hash = `0x${createHash("sha256").update(text).digest("hex")}` as const;
    await actor.commit(hash);
    const spaced = await relayer.put(`/v1/policies/${hash}?agent=${actor.account.address.toLowerCase()}`, text);
    expect([spaced.status, spaced.body.code]).to.deep.equal([400, "ERR_INPUT_ENCODING"]);
  });
});

describe("relayer: the thread that checks policies", () => {
  const good = canonical(shopBundle);

  it("checks no more at once than it was given room for, and goes on afterwards", async () => {
    const policyCheck = new PolicyCheck({ limit: 1 });
    const first = policyCheck.check(good);
    expect(await rejectionCode(policyCheck.check(good))).to.equal("ERR_UNAVAILABLE_QUEUE");
    await first;
    await policyCheck.check(good);
    await policyCheck.close();
  });

  it("gives up on a bundle that takes too long, and takes the next one", async () => {
    const policyCheck = new PolicyCheck({ timeoutMs: 1 }); // less than a thread takes to start
    expect(await rejectionCode(policyCheck.check(good))).to.equal("ERR_INPUT_POLICY");
    expect(await rejectionCode(policyCheck.check(good))).to.equal("ERR_INPUT_POLICY");
    await policyCheck.close();
  });

  it("says that a bundle was not checked when it is closed under it", async () => {
    const policyCheck = new PolicyCheck();
    const check = rejectionCode(policyCheck.check(good));
    await policyCheck.close();
    expect(await check).to.equal("ERR_UNAVAILABLE_STOPPING");
  });
});
