import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { readEnvironment } from "../../cli/environment.ts";
import { thrownCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("cli: profiles", () => {
  const folder = tempFolders();
  const file = async (text: string) => {
    const path = join(await folder(), "affiant.yaml");
    await writeFile(path, text);
    return path;
  };
  const whole =
    "profiles: { far: { rpc: http://rpc.example, relayer: http://r.example, deployment: d.json, data: d } }";

  it("stands below flags and variables, and its paths beside its file", async () => {
    const path = await file(whole);
    const at = (name: string) => join(path, "..", name);
    const env = { AFFIANT_CONFIG: path, AFFIANT_PROFILE: "far" };
    expect(readEnvironment({}, env)).to.deep.include({
      dataDir: at("d"),
      rpcUrl: "http://rpc.example",
      relayerUrl: "http://r.example",
      deploymentPath: at("d.json"),
      given: { rpcUrl: "http://rpc.example", deploymentPath: at("d.json") },
    });
    expect(readEnvironment({ data: "/x", rpc: "http://f" }, env)).to.include({ dataDir: "/x", rpcUrl: "http://f" });
    expect(readEnvironment({}, { ...env, AFFIANT_RELAYER_URL: "http://e" }).relayerUrl).to.equal("http://e");
  });

  it("is taken by name alone: a file that lies there chooses nobody's endpoint", async () => {
    const path = await file(whole);
    expect(readEnvironment({}, { AFFIANT_CONFIG: path }).rpcUrl).to.equal(undefined);
  });

  for (const [what, text, code] of [
    ["another name", "profiles: { near: {} }", "ERR_INPUT_CONFIG"],
    ["a name that every object has", "profiles: {}", "ERR_INPUT_CONFIG"],
    ["an unknown setting", "profiles: { far: { rcp: http://x } }", "ERR_INPUT_CONFIG"],
    ["a setting that is no text", "profiles: { far: { rpc: 1 } }", "ERR_INPUT_CONFIG"],
    ["no table", "far: {}", "ERR_INPUT_FILE"],
    ["no YAML", "profiles: [", "ERR_INPUT_FILE"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const profile = what.startsWith("a name") ? "constructor" : "far";
      const path = await file(text);
      expect(thrownCode(() => readEnvironment({ profile }, { AFFIANT_CONFIG: path }))).to.equal(code);
    });
  }

  it("says that there is no file", () => {
    expect(thrownCode(() => readEnvironment({ profile: "x" }, { AFFIANT_CONFIG: "/none" }))).to.equal("ERR_INPUT_FILE");
  });
});
