import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { formatDeployment } from "../../protocol/deployment.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";

const program = join(import.meta.dirname, "../../cli/affiant.js");

describe("affiant directory and find", () => {
  const folder = tempFolders();
  let chain: TestChain;
  let dataDir: string;

  before(async () => {
    chain = await startChain();
    dataDir = await folder();
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, "deployment.json"), formatDeployment(chain.deployment));
  });

  after(() => chain.close());

  function start(args: readonly string[]) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AFFIANT_"));
    const env = {
      ...Object.fromEntries(inherited),
      AFFIANT_RPC_URL: chain.url,
      AFFIANT_DEPLOYMENT: join(dataDir, "deployment.json"),
    };
    const argv = ["--no-warnings", program, ...args, "--json", "--data", dataDir];
    return spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "pipe"] });
  }

  async function affiant(...args: readonly string[]): Promise<{ code: unknown; said: Record<string, unknown> }> {
    const child = start(args);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    }
    const [code] = (await once(child, "close")) as [unknown];
    return { code, said: JSON.parse(text) as Record<string, unknown> };
  }

  it("serves, is verified, writes a snapshot of the same hash, and finds nobody where nobody has a card", async () => {
    const actor = await Actor.registered(chain);
    const serving = start(["directory", "serve", "--port", "0"]);
    try {
      const [line] = (await once(serving.stdout.setEncoding("utf8"), "data")) as [string];
      const { url } = JSON.parse(line) as { url: string };
      const agent = `${url}/v1/agents/${actor.account.address.toLowerCase()}`;
      while ((await fetch(agent)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await affiant("directory", "verify", agent)).to.deep.include({ code: 0 });

      const answer = join(dataDir, "answer.json");
      const told = (await (await fetch(agent)).json()) as { data: { policy: { version: number } } };
      told.data.policy.version++;
      await writeFile(answer, JSON.stringify(told));
      const lie = await affiant("directory", "verify", answer);
      expect([lie.code, lie.said["outcome"]]).to.deep.equal([1, "fails"]);

      const { code, said } = await affiant("directory", "snapshot");
      expect(code).to.equal(0);
      const state = (await (await fetch(`${url}/v1/state`)).json()) as { data: { stateHash: string } };
      expect(said["stateHash"]).to.equal(state.data.stateHash);
      expect((await readFile(String(said["path"]), "utf8")).split("\n")).to.have.length(Number(said["rowCount"]) + 2);

      const found = await affiant("find", "refund in EUR", "--directory", url);
      expect([found.code, found.said["agents"]]).to.deep.equal([0, []]);
      expect(await affiant("find", "refund", "--directory", url, "--tier", "gold")).to.deep.include({ code: 2 });
    } finally {
      serving.kill();
      await once(serving, "close");
    }
  });

  it("says that no directory is known where none is", async () => {
    const { code, said } = await affiant("find", "refund");
    expect([code, said["code"]]).to.deep.equal([2, "ERR_INPUT_CONFIG"]);
  });
});
