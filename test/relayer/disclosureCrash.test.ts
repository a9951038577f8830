import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { eraseDisclosures, readDisclosures } from "../../agent/disclosures/disclosureCalls.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { CommitName } from "../../relayer/store/database.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { fsck } from "../../relayer/fsck/fsck.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { httpTo, RelayerHome } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";

const program = join(import.meta.dirname, "../helpers/world/crashingRelayer.ts");

/** SIGKILL around the commits of payloads: kept means kept, erased means gone from the disk, whatever died in between. */
describe("relayer: killed at a commit of disclosures", () => {
  let chain: TestChain;

  before(async () => {
    chain = await startChain();
  });

  after(async () => {
    await chain?.close();
  });

  /** A relayer that dies at the first such commit, worked until then. */
  async function untilDeath(
    home: RelayerHome,
    [point, name, count]: readonly [string, CommitName, number],
    work: (url: string) => Promise<unknown>,
  ): Promise<void> {
    const child = spawn(process.execPath, [program, point, name, String(count)], {
      env: { ...process.env, ...home.env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(child, "exit");
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    await work((JSON.parse(String(line)) as { url: string }).url).catch(() => undefined);
    await exited;
    expect(child.signalCode).to.equal("SIGKILL");
  }

  const clientOf = (url: string) => new RelayerClient({ url, retry: { attempts: 1 } });
  const as = (actor: Actor, url: string) => ({
    relayer: clientOf(url),
    signer: actor.key,
    subject: actor.key.did,
    nowSec: Math.floor(Date.now() / 1_000),
  });

  function keyOf(home: RelayerHome, entryId: Hex, keys: Buffer): Buffer {
    const database = new DatabaseSync(join(home.dir, "relayer.db"));
    const row = database
      .prepare("SELECT slot FROM disclosure WHERE entry_id = ?")
      .get(Buffer.from(entryId.slice(2), "hex"));
    database.close();
    const { slot } = row as { slot: number };
    return keys.subarray(slot * 32, slot * 32 + 32);
  }

  async function onDisk(home: RelayerHome): Promise<Buffer> {
    const files = (await readdir(home.dir)).filter((name) => /^(relayer\.db|disclosures)/.test(name));
    return Buffer.concat(await Promise.all(files.map((name) => readFile(join(home.dir, name)))));
  }

  const faultsOf = async ({ dir }: RelayerHome) =>
    (await fsck({ dataDir: dir, noteKeyFile: join(dir, "note.key"), repair: false })).faults;

  for (const point of ["before-commit", "after-commit"] as const) {
    it(`accepted, ${point}: there with its entry or not at all, and there once it is acknowledged`, async () => {
      const home = await RelayerHome.make(chain);
      const actor = await Actor.registered(chain);
      const { leaf, disclosures, entryId } = await actor.sign({ input: { secret: "kept" } });
      await untilDeath(home, [point, "log.append", 1], (url) => httpTo(url).post("/v1/entries", { leaf, disclosures }));
      const relayer = await home.start();
      const read = readDisclosures(as(actor, relayer.url), entryId);
      const found = await read.catch((error: unknown) => (isAffiantError(error) ? error.code : error));
      expect(found).to.deep.equal(point === "before-commit" ? "ERR_NOT_FOUND_ENTRY" : disclosures);
      expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.be.oneOf([200, 201]);
      expect(await readDisclosures(as(actor, relayer.url), entryId)).to.deep.equal(disclosures);
      await relayer.close();
      expect(await faultsOf(home)).to.deep.equal([]);
      await home.remove();
    });

    it(`erased, ${point}: its key is gone from the disk, and nothing opens it again`, async () => {
      const home = await RelayerHome.make(chain);
      const actor = await Actor.registered(chain);
      const { leaf, disclosures, entryId } = await actor.sign({ input: { secret: "gone" } });
      let relayer = await home.start();
      expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.equal(201);
      await relayer.close();
      const key = Buffer.from(keyOf(home, entryId, await readFile(join(home.dir, "disclosures.key"))));
      expect((await onDisk(home)).includes(key)).to.equal(true);

      await untilDeath(home, [point, "disclosure.erase", 1], (url) => eraseDisclosures(as(actor, url), entryId));
      const disk = await onDisk(home);
      expect(disk.includes(key)).to.equal(false);
      for (const text of disclosures) expect(disk.includes(text)).to.equal(false);
      expect(await faultsOf(home)).to.deep.equal([]);
      relayer = await home.start();
      expect(await rejectionCode(readDisclosures(as(actor, relayer.url), entryId))).to.equal(
        "ERR_NOT_FOUND_DISCLOSURE",
      );
      await relayer.close();
      await home.remove();
    });
  }
});
