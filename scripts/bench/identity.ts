import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import {
  type BaseContract,
  Contract,
  ContractFactory,
  encodeBytes32String,
  id,
  type Signer,
  ZeroAddress,
  ZeroHash,
} from "ethers";

import { type GasChain, gasChain, gasOf } from "./gas/chain.ts";
import { measure } from "./gas/identity.ts";
import type { Bench, BenchRow } from "./report.ts";

/** Identities and policies beside ERC-1056, EAS and ERC-8004: gas of whole transactions, ours through the proxy. */
export const bench: Bench = async () => {
  const chain = await gasChain();
  const ours = new Map((await measure()).map((row) => [row.name, row]));
  const erc1056 = await measureErc1056(chain);
  const eas = await measureEas(chain);

  const row = (name: string, peer: string, value: number, source: "run" | "published" = "run"): BenchRow => {
    const measured = ours.get(name);
    if (measured === undefined) throw new Error(`no gas row ${name}`);
    return { name, value: measured.gas, unit: "gas", target: measured.target, peer: { name: peer, value, source } };
  };
  return {
    rows: [
      row("register", "ERC-8004 register()", 124_024, "published"),
      row("register", "ERC-8004 register(uri)", 200_451, "published"),
      row("add signing key, 2nd", "ERC-1056 setAttribute, first", erc1056.first),
      row("add signing key, 2nd", "ERC-1056 setAttribute, next", erc1056.next),
      row("add signing key, signed", "ERC-1056 setAttributeSigned", 79_493, "published"),
      row("set attribute", "ERC-1056 setAttribute, next", erc1056.next),
      row("change owner: offer", "ERC-1056 changeOwner", erc1056.changeOwner),
      row("change owner: accept", "ERC-1056 changeOwner", erc1056.changeOwner),
      row("commit policy, 1st", "EAS attest, 32 bytes", eas),
      row("commit policy, 2nd", "EAS attest, 32 bytes", eas),
    ],
    notes: [
      "ERC-1056 and EAS run the code of their npm packages (ethr-did-registry, eas-contracts), without a proxy.",
      "ERC-1056 keeps keys in events only; ours are also readable in one call, with the blocks between which they count.",
      "ERC-8004 has no contracts on npm; its figures, and ERC-1056's signed one, are those of the project's issue 3.",
    ],
  };
};

const resolvePackage = createRequire(import.meta.url).resolve;

/** Deploys a peer from the artifact that its npm package carries. */
async function deployPeer(signer: Signer, artifact: string, args: readonly unknown[]): Promise<BaseContract> {
  const { abi, bytecode } = JSON.parse(await readFile(artifact, "utf8")) as { abi: []; bytecode: string };
  const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}

async function measureErc1056({ deployer, accounts }: GasChain) {
  const folder = join(dirname(resolvePackage("ethr-did-registry")), "../artifacts/contracts");
  const registry = await deployPeer(deployer, join(folder, "EthereumDIDRegistry.sol/EthereumDIDRegistry.json"), []);
  const [signer, other] = accounts;
  if (signer === undefined || other === undefined) throw new Error("the chain has too few accounts");
  const agent = await signer.getAddress();
  const setAttribute = new Contract(await registry.getAddress(), registry.interface, signer).getFunction(
    "setAttribute",
  );
  const name = encodeBytes32String("did/pub/Ed25519/veriKey/base58");
  const first = await gasOf(setAttribute(agent, name, id("key 1"), 86_400));
  const next = await gasOf(setAttribute(agent, name, id("key 2"), 86_400));
  const changeOwner = new Contract(await registry.getAddress(), registry.interface, signer).getFunction("changeOwner");
  return { first, next, changeOwner: await gasOf(changeOwner(agent, await other.getAddress())) };
}

async function measureEas({ deployer }: GasChain): Promise<number> {
  const folder = join(
    dirname(resolvePackage("@ethereum-attestation-service/eas-contracts/package.json")),
    "artifacts/contracts",
  );
  const schemas = await deployPeer(deployer, join(folder, "SchemaRegistry.sol/SchemaRegistry.json"), []);
  const eas = await deployPeer(deployer, join(folder, "EAS.sol/EAS.json"), [await schemas.getAddress()]);
  const register = schemas.getFunction("register");
  const schema: string = (await register.staticCall("bytes32 policyHash", ZeroAddress, true)) as string;
  await gasOf(register("bytes32 policyHash", ZeroAddress, true) as Promise<never>);
  const data = {
    recipient: await deployer.getAddress(),
    expirationTime: 0,
    revocable: true,
    refUID: ZeroHash,
    data: id("policy"),
    value: 0,
  };
  return gasOf(eas.getFunction("attest")({ schema, data }) as Promise<never>);
}
