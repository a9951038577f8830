import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { newSigningSeed, SigningKey } from "../../../agent/keys/signingKey.ts";
import { signVerdict } from "../../../attestation/verifier/signVerdict.ts";
import { assembleEvidence, evidenceHashOf, evidenceSigningInput } from "../../../protocol/attestation/evidence.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { utf8 } from "../../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import type { SystemAgent } from "../attestation/system.ts";
import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";
import type { Outcome, Scenario } from "./scenario.ts";

/**
 * A verifier that lies and somebody between keeper and wrapper: the one puts the hash of evidence that it made up on chain,
 * the other serves it. The evidence names the member and is soundly signed, by a key that is not the member's.
 */
export const foreignKey: Scenario = { name: "a lying verifier names evidence with a key of its own", run: seals };

async function seals(world: EscrowWorld): Promise<Outcome> {
  const { system } = world;
  const [, , { agent: victim }] = world.members as [WorldMember, WorldMember, WorldMember];
  const own = encryptionKeyOf(world.random(32));
  const evidence = madeUp(world, victim, toHex(own));
  const evidenceHash = evidenceHashOf(evidence);
  let told = 0;
  for (const verifier of system.agents) {
    verifier.lie = async ({ place }) => {
      if (place.target !== victim.account.address) return undefined;
      told++;
      return signVerdict({ result: "pass", attempts: 1, evidenceHash, evidence }, place, verifier.account);
    };
  }
  await nextRound(world);
  await system.silence(victim);
  let served = 0;
  const server = createServer((_request, response) => {
    served++;
    response.end(JSON.stringify({ evidence }));
  });
  server.listen(victim.port, "127.0.0.1");
  await once(server, "listening");
  victim.server = { url: `http://127.0.0.1:${victim.port}`, close: () => Promise.resolve() };
  const found = await world.publisherParts().encryptionKeyOf(victim.account.address);
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  for (const verifier of system.agents) verifier.lie = () => Promise.resolve(undefined);
  await system.speak(victim);
  await nextRound(world);
  const honest = await world.publisherParts().encryptionKeyOf(victim.account.address);
  const taken = found !== undefined && toHex(found) === toHex(own);
  const detail = `its evidence is on chain ${told} time(s) and was served ${served} time(s); the publisher ${taken ? "WOULD SEAL TO ITS KEY" : "does not take its key"}, and ${honest ? "has" : "does NOT have"} the member's own after the next round`;
  return { holds: told > 0 && served > 0 && !taken && honest !== undefined, detail };
}

function madeUp({ group }: EscrowWorld, victim: SystemAgent, encryptionKey: Hex): string {
  const signing = new SigningKey(newSigningSeed());
  const did = formatEthrDid(group.chainId, victim.account.address);
  const claims = {
    agent: did,
    verifier: did,
    round: 1,
    nonce: toHex(randomBytes(32)),
    answer: toHex(randomBytes(32)),
    encryptionKey,
    tier: "software",
    issuedAtSec: 1,
  } as const;
  const input = evidenceSigningInput(claims, signing.publicKey);
  return assembleEvidence(input, signing.sign(utf8(input)));
}

async function nextRound({ system }: EscrowWorld): Promise<void> {
  const number = ((await system.reader.round())?.number ?? 0) + 1;
  await system.stepUntil(() => system.roundIs("closed", number), 400);
}
