/** Calls the guarded endpoint under a contract: `client.ts URL CONTRACT AMOUNT [DATA_FOLDER]`. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

// With the package: "@affiant/sdk/agent" and "@affiant/sdk/protocol".
import { callAgent, loadPolicyBundle, openAgent } from "../../sdk/agent.ts";
import { isAffiantError, parseContractFile, parseDeployment, parseKeyDidText } from "../../sdk/protocol.ts";

const [url = "", contractFile = "", amount = "", dataDir = "data"] = process.argv.slice(2);
const endpoints = JSON.parse(await readFile(join(dataDir, "endpoints.json"), "utf8")) as Record<string, string>;
const { relayerUrl = "", rpcUrl = "", deploymentPath = "" } = endpoints;
const deployment = parseDeployment(await readFile(resolve(dataDir, deploymentPath), "utf8"));

const buyer = await openAgent({ dataDir, name: "buyer", relayerUrl, rpcUrl, deployment });
await buyer.register();
await buyer.commitPolicy(await loadPolicyBundle(join(import.meta.dirname, "policy")));

const chain = parseContractFile(await readFile(contractFile, "utf8"));
try {
  const result = await callAgent({
    url,
    signer: buyer.signer,
    recorder: buyer,
    subject: parseKeyDidText(chain[0].issuer),
    command: "/till/charge",
    args: { amount: BigInt(amount), currency: "USD" },
    chain,
    nowSec: Math.floor(Date.now() / 1000),
  });
  console.log(JSON.stringify(result));
} catch (error) {
  if (!isAffiantError(error)) throw error;
  console.log(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  buyer.close();
}
