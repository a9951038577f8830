import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { readAccessConfig } from "../../../cli/access/config.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

describe("cli/access/config", () => {
  const folder = tempFolders();
  const group = `0x${"ab".repeat(32)}`;
  const good = {
    resources: { "http://reports.example/": ["reports:read"] },
    scopes: { "reports:read": { attested: false, policy: true, group, role: 2 } },
    clients: [],
  };

  async function fileOf(content: unknown): Promise<string> {
    const path = join(await folder(), "access.json");
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  it("reads resources, and what scopes ask for", async () => {
    expect(readAccessConfig(await fileOf(good))).to.deep.equal({
      resources: good.resources,
      scopeTable: { "reports:read": { attested: false, policy: true, group, role: 2n } },
      clients: [],
    });
  });

  it("refuses what it does not understand: a condition less would let more in", async () => {
    const bad: readonly (readonly [unknown, string])[] = [
      ["{", "ERR_INPUT_FILE"],
      [[], "ERR_INPUT_CONFIG"],
      [{ ...good, extra: 1 }, "ERR_INPUT_CONFIG"],
      [{ ...good, scopes: { a: { atested: true } } }, "ERR_INPUT_CONFIG"],
      [{ ...good, scopes: { a: { attested: "true" } } }, "ERR_INPUT_CONFIG"],
      [{ ...good, scopes: { a: { group: "0x12" } } }, "ERR_INPUT_CONFIG"],
      [{ ...good, scopes: { a: { role: -1 } } }, "ERR_INPUT_CONFIG"],
      [{ ...good, scopes: { a: null } }, "ERR_INPUT_CONFIG"],
      [{ ...good, resources: { reports: ["a"] } }, "ERR_INPUT_CONFIG"],
      [{ ...good, resources: { "http://r.example/": "a" } }, "ERR_INPUT_CONFIG"],
      [{ ...good, clients: {} }, "ERR_INPUT_CONFIG"],
    ];
    for (const [content, code] of bad) {
      const path = await fileOf(content);
      expect(
        thrownCode(() => readAccessConfig(path)),
        JSON.stringify(content),
      ).to.equal(code);
    }
  });
});
