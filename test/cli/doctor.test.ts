import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { affiant } from "./run.ts";
import type { Finding } from "../../cli/doctor/finding.ts";
import { dataFolder, keys, measuring, nodeVersion, port } from "../../cli/doctor/machine.ts";
import { chain, relayer } from "../../cli/doctor/services.ts";
import { explain } from "../../cli/explain.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const states = (findings: readonly Finding[]) => findings.map(({ what, state }) => `${what}: ${state}`);

describe("cli: doctor", () => {
  const folder = tempFolders();

  it("knows a Node that is too old, and a machine without /proc", () => {
    expect(
      [nodeVersion("22.17.9"), nodeVersion("22.18.0"), nodeVersion("26.0.0")].map(({ state }) => state),
    ).to.deep.equal(["wrong", "well", "well"]);
    expect(measuring("darwin", false)).to.include({ state: "wrong" });
    expect(measuring("linux", false)).to.include({ state: "wrong" });
    expect(measuring("linux", true)).to.include({ state: "well" });
  });

  it("knows a folder that cannot be written, and one that is a file", async () => {
    const dir = await folder();
    expect(states(dataFolder(join(dir, "a/b"), () => true))).to.deep.equal(["data folder: well", "disk: well"]);
    expect(states(dataFolder(dir, () => false))[0]).to.equal("data folder: wrong");
    await writeFile(join(dir, "file"), "");
    expect(states(dataFolder(join(dir, "file/x"), () => true))).to.deep.equal(["data folder: wrong"]);
  });

  it("names keys that others may read, and how to shut them", async () => {
    const dir = await folder();
    expect(keys(dir).state).to.equal("unknown");
    await mkdir(join(dir, "relayer"));
    const key = join(dir, "relayer/note.key");
    await writeFile(key, "", { mode: 0o600 });
    expect(keys(dir).state).to.equal("well");
    await chmod(key, 0o640);
    expect(keys(dir)).to.deep.include({ state: "wrong", mend: `chmod 600 ${key}` });
  });

  it("tells a port that another program holds from one that our own does", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port: held } = server.address() as AddressInfo;
    expect(await port(held, "x", false)).to.include({ state: "wrong" });
    expect(await port(held, "x", true)).to.include({ state: "well" });
    await new Promise((resolve) => server.close(resolve));
    expect(await port(held, "x", false)).to.include({ state: "well" });
  });

  it("tells a page that is no JSON-RPC, nobody, another chain and a clock that is off", async () => {
    let answer = "<html>";
    const server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await chain(url, undefined, 0))
      .to.have.nested.property("0.says")
      .that.contains("not JSON-RPC");
    expect((await relayer(url)).state).to.equal("well");
    // One answer for every question: an id, and a block with a time.
    answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { number: "0x1", timestamp: "0x64" } });
    expect(states(await chain(url, undefined, 0))).to.deep.equal(["chain: wrong"]);
    await new Promise((resolve) => server.close(resolve));
    expect(states(await chain(url, undefined, 0))).to.deep.equal(["chain: wrong"]);
    expect((await relayer(url)).state).to.equal("wrong");
    expect(states(await chain(undefined, undefined, 0))).to.deep.equal(["chain: unknown"]);
  });

  it("ends with 1 where something is wrong, and says how it is mended", async () => {
    const dataDir = await folder();
    const { code, json } = await affiant(["doctor", "--rpc", "http://127.0.0.1:9", "--data", dataDir, "--json"]);
    expect(code).to.equal(1);
    const { findings } = json() as { findings: Finding[] };
    expect(findings.find(({ what }) => what === "chain")).to.include.keys("says", "mend");
  });
});

describe("cli: errors that are not ours", () => {
  const named = (fields: object) => Object.assign(new Error("m\n  at x"), fields);
  for (const [what, error, code, says] of [
    [
      "a read-only folder",
      named({ code: "EROFS", path: "/ro/x" }),
      "ERR_INPUT_FILE",
      "/ro/x: the file system is read-only",
    ],
    ["a missing program", named({ code: "ENOENT", syscall: "spawn frob", path: "frob" }), "ERR_INPUT_FILE", "frob"],
    [
      "nobody there",
      new TypeError("fetch failed", { cause: named({ code: "ECONNREFUSED" }) }),
      "ERR_UNAVAILABLE_CHAIN",
      "no connection",
    ],
    ["a page", named({ code: "SERVER_ERROR" }), "ERR_UNAVAILABLE_CHAIN", "does not answer as a chain"],
    ["anything else", named({}), "ERR_INTERNAL_UNEXPECTED", "m"],
    ["a text", "frob", "ERR_INTERNAL_UNEXPECTED", "frob"],
  ] as const) {
    it(`is one line with a way out: ${what}`, () => {
      const told = explain(error);
      expect(told.code).to.equal(code);
      expect(told.message).to.contain(says).and.to.not.contain("\n");
      expect(told.hint).to.be.a("string");
    });
  }

  it("shows no stack, but with AFFIANT_DEBUG", async () => {
    const args = ["agent", "create", "a", "--chain-id", "1", "--data", "/proc/nothing"];
    const plain = await affiant(args);
    expect(plain.stderr).to.not.match(/^\s+at /m);
    expect((await affiant(args, { AFFIANT_DEBUG: "1" })).stderr).to.match(/^\s+at /m);
  });
});
