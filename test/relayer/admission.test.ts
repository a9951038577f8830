import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { issueTicket, type TicketTerms } from "../../relayer/admission/admission.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { type Answer, RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { registerCall } from "../helpers/world/registerCall.ts";

describe("relayer: newcomers, and what is spent on everybody", () => {
  let chain: TestChain;
  const folder = tempFolders();
  const homes: RelayerHome[] = [];
  const running: RunningRelayer[] = [];

  before(async () => {
    chain = await startChain();
  });
  afterEach(async () => {
    for (const relayer of running.splice(0)) await relayer.close();
    for (const home of homes.splice(0)) await home.remove();
  });
  after(() => chain?.close());

  async function start(env: Record<string, string>): Promise<{ relayer: RunningRelayer; home: RelayerHome }> {
    const home = await RelayerHome.make(chain, env);
    homes.push(home);
    const relayer = await home.start();
    running.push(relayer);
    return { relayer, home };
  }

  async function register(
    relayer: RunningRelayer,
    actor: Actor,
    headers: Record<string, string> = {},
    key = "register",
  ) {
    const { target, data } = await registerCall(chain, undefined, actor);
    return relayer.post("/v1/requests", { target, data }, { "idempotency-key": key, ...headers });
  }

  const saidOf = ({ status, body }: Answer) => [status, body.code] as const;

  function ticket({ dir }: RelayerHome, terms: Partial<TicketTerms> = {}): Hex {
    const database = openDatabase(join(dir, "relayer.db"));
    try {
      return issueTicket(database, { agent: null, expiresAtMs: Date.now() + 60_000, ...terms });
    } finally {
      database.close();
    }
  }

  it("come with a ticket where it is asked for, once", async () => {
    const { relayer, home } = await start({ AFFIANT_ADMISSION: "ticket" });
    const [first, second] = [new Actor(chain), new Actor(chain)];
    expect(saidOf(await register(relayer, first))).to.deep.equal([403, "ERR_AUTH_ADMISSION"]);
    const wrong = { "admission-ticket": `0x${"00".repeat(32)}` };
    expect(saidOf(await register(relayer, first, wrong))).to.deep.equal([401, "ERR_AUTH_TICKET"]);
    const expired = { "admission-ticket": ticket(home, { expiresAtMs: Date.now() - 1 }) };
    expect(saidOf(await register(relayer, first, expired))).to.deep.equal([401, "ERR_AUTH_TICKET"]);
    const others = { "admission-ticket": ticket(home, { agent: second.account.address }) };
    expect(saidOf(await register(relayer, first, others))).to.deep.equal([401, "ERR_AUTH_TICKET"]);
    const good = { "admission-ticket": ticket(home) };
    expect((await register(relayer, first, good)).status).to.equal(202);
    // The same request again is the same request; somebody else's is not.
    expect((await register(relayer, first, good)).status).to.equal(202);
    expect(saidOf(await register(relayer, second, good))).to.deep.equal([409, "ERR_CONFLICT_TICKET_USED"]);
    expect((await register(relayer, second, others)).status).to.equal(202);
  });

  it("are on the list where there is one, as it is now; entries are held to it too", async () => {
    const listed = new Actor(chain);
    const list = join(await folder(), "admitted");
    writeFileSync(list, `# who may\n${listed.account.address}  # the first\n`);
    const { relayer } = await start({ AFFIANT_ADMISSION: "allow-list", AFFIANT_ADMISSION_FILE: list });
    expect((await register(relayer, listed)).status).to.equal(202);
    const other = await Actor.registered(chain);
    const { leaf } = await other.sign();
    expect(saidOf(await relayer.post("/v1/entries", { leaf }))).to.deep.equal([403, "ERR_AUTH_ADMISSION"]);
    writeFileSync(list, `${other.account.address}\n`);
    expect((await relayer.post("/v1/entries", { leaf })).status).to.equal(201);
    // Who has entries here is no newcomer, whatever the list says.
    writeFileSync(list, "");
    expect((await relayer.post("/v1/entries", { leaf: (await other.sign()).leaf })).status).to.equal(201);
  });

  for (const [what, env, words] of [
    ["an admission that there is not", { AFFIANT_ADMISSION: "friends" }, "AFFIANT_ADMISSION must be one of"],
    ["a list without a file", { AFFIANT_ADMISSION: "allow-list" }, "needs AFFIANT_ADMISSION_FILE"],
    ["a file that is not there", { AFFIANT_ADMISSION_FILE: "/nowhere/list" }, "cannot be read"],
    ["a budget below nothing", { AFFIANT_BUDGET_GAS_PER_DAY: "-1" }, "AFFIANT_BUDGET_GAS_PER_DAY"],
    ["a proxy that is no address", { AFFIANT_TRUSTED_PROXIES: "10.0.0.0/99" }, "AFFIANT_TRUSTED_PROXIES"],
    ["a host name with a port", { AFFIANT_ALLOWED_HOSTS: "relayer.example:80" }, "AFFIANT_ALLOWED_HOSTS"],
  ] as const) {
    it(`are no reason to start with ${what}`, async () => {
      const home = await RelayerHome.make(chain);
      homes.push(home);
      expect(() => home.config(env as Record<string, string>))
        .to.throw(words)
        .with.property("code", "ERR_INPUT_CONFIG");
    });
  }

  it("share one budget: when it is used up nobody's call is carried that day, and what was carried is known still", async () => {
    const { relayer } = await start({ AFFIANT_BUDGET_REQUESTS_PER_DAY: "2" });
    const actors = [new Actor(chain), new Actor(chain), new Actor(chain)];
    const answers = [];
    for (const actor of actors) answers.push(await register(relayer, actor));
    expect(answers.map(({ status }) => status)).to.deep.equal([202, 202, 429]);
    expect(answers[2]!.body.code).to.equal("ERR_LIMIT_BUDGET");
    expect(Number(answers[2]!.headers.get("retry-after"))).to.equal(3_600);
    expect((await register(relayer, actors[0]!)).body.id).to.equal(answers[0]!.body.id);
  });

  it("share one budget of gas", async () => {
    const { relayer } = await start({ AFFIANT_BUDGET_GAS_PER_DAY: "1000" });
    expect(saidOf(await register(relayer, new Actor(chain)))).to.deep.equal([429, "ERR_LIMIT_BUDGET"]);
  });

  it("have idempotency keys of their own: another agent's key of the same name is another key", async () => {
    const { relayer } = await start({});
    const [first, second] = [new Actor(chain), new Actor(chain)];
    const one = await register(relayer, first, {}, "same");
    const two = await register(relayer, second, {}, "same");
    expect([one.status, two.status]).to.deep.equal([202, 202]);
    expect(one.body.id).not.to.equal(two.body.id);
    expect((await register(relayer, first, {}, "same")).body.id).to.equal(one.body.id);
  });
});

describe("relayer: what is its operator's", () => {
  it("is asked for with the token, and with nothing else", async () => {
    const chain = await startChain();
    const home = await RelayerHome.make(chain);
    const relayer = await home.start();
    try {
      const ask = (authorization: string) => relayer.post("/v1/log/anchor", undefined, { authorization });
      for (const wrong of ["", "Bearer", "Bearer guess", "Basic operator"]) {
        const { status, body } = await ask(wrong);
        expect([status, body.code]).to.deep.equal([401, "ERR_AUTH_OPERATOR"]);
      }
      expect((await relayer.post("/v1/log/anchor")).status).to.equal(202);
    } finally {
      await relayer.close();
      await home.remove();
      await chain.close();
    }
  });
});
