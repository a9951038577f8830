import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import type { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { policyHashOf } from "../../../protocol/policy/policyHash.ts";
import { rejection } from "../../helpers/rejection.ts";
import { shopBundle } from "../../protocol/policy/bundle.ts";

const { format: _, schema, policies, ...head } = shopBundle;
const files = { "bundle.yaml": JSON.stringify(head), "schema.cedarschema": schema, "policy.cedar": policies };

describe("agent/policy loadPolicyBundle", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "affiant-policy-"));
  });

  after(() => rm(root, { recursive: true }));

  let folders = 0;
  async function folderWith(changes: Partial<Record<keyof typeof files, string | null>>): Promise<string> {
    const folder = join(root, String(folders++));
    await mkdir(folder);
    for (const [name, content] of Object.entries({ ...files, ...changes })) {
      if (content !== null) await writeFile(join(folder, name), content);
    }
    return folder;
  }

  async function refusal(changes: Parameters<typeof folderWith>[0]): Promise<[string, string]> {
    const error = (await rejection(loadPolicyBundle(await folderWith(changes)))) as AffiantError;
    return [error.code, error.message];
  }

  it("makes one bundle of the folder's three files", async () => {
    expect(await loadPolicyBundle(await folderWith({}))).to.deep.equal(shopBundle);
  });

  it("gives the same hash where a checkout turned line ends", async () => {
    const turned = await folderWith({
      "policy.cedar": policies.replaceAll("\n", "\r\n"),
      "schema.cedarschema": schema.replaceAll("\n", "\r\n"),
    });
    expect(policyHashOf(await loadPolicyBundle(turned))).to.equal(policyHashOf(shopBundle));
  });

  it("names the file that is missing", async () => {
    for (const name of Object.keys(files) as (keyof typeof files)[]) {
      const [code, message] = await refusal({ [name]: null });
      expect([code, message.endsWith(`${name} cannot be read`)]).to.deep.equal(["ERR_INPUT_FILE", true]);
    }
  });

  it("refuses a head that is not one", async () => {
    const cases: [string, RegExp][] = [
      ["{", /bundle\.yaml: /],
      ["- a", /not a mapping/],
      ["a: &x 1\nb: *x", /alias/i],
      [JSON.stringify({ ...head, schema: "entity Agent;" }), /may not hold `schema`/],
      [JSON.stringify({ ...head, extra: 1 }), /unknown key "extra"/],
    ];
    for (const [yaml, words] of cases) {
      const [code, message] = await refusal({ "bundle.yaml": yaml });
      expect(code).to.equal("ERR_INPUT_POLICY");
      expect(message).to.match(words);
    }
  });
});
