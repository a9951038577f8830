import { expect } from "chai";

import { readArtifacts } from "../../../orchestrator/deploy/artifacts.ts";
import { assertKeysAllowed } from "../../../orchestrator/deploy/circuitKeys.ts";
import { rejection } from "../../helpers/rejection.ts";

describe("orchestrator/deploy: circuit keys", () => {
  it("takes the development key on a local chain and on no other", async () => {
    const artifacts = await readArtifacts(["KeyOwnershipVerifier"]);
    await assertKeysAllowed(31337n, artifacts);
    expect(await rejection(assertKeysAllowed(1n, artifacts))).to.include({ code: "ERR_INPUT_KEY_DEVELOPMENT" });
  });

  it("takes no verifier that carries another key than the one in the folder", async () => {
    const artifacts = await readArtifacts(["KeyOwnershipVerifier"]);
    const verifier = artifacts.get("KeyOwnershipVerifier")!;
    const other = new Map([["KeyOwnershipVerifier", { ...verifier, bytecode: "0x60806040" }]]);
    expect(await rejection(assertKeysAllowed(31337n, other))).to.include({ code: "ERR_INPUT_KEY_MISMATCH" });
  });
});
