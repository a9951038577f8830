import { readFileSync } from "node:fs";

import { expect } from "chai";
import { type BaseWallet, type Contract, type Log, type Result, Wallet, ZeroAddress } from "ethers";

import {
  agentRegistryDomain,
  type AgentRegistryRequest,
  agentRegistryTypes,
} from "../../protocol/eip712/agentRegistry.ts";
import { signerTypes, type TypedDataDomain } from "../../protocol/eip712/typedData.ts";
import { rejection } from "../helpers/rejection.ts";
import { registryChain, signingKey } from "./registries.ts";

type Message = Record<string, unknown>;

const vectors = JSON.parse(readFileSync(new URL("../../protocol/vectors/eip712.json", import.meta.url), "utf8")) as {
  AgentRegistry: { requests: Record<AgentRegistryRequest, { message: Message }> };
};

const owner = new Wallet(`0x${"a1".repeat(32)}`);
const nextOwner = new Wallet(`0x${"b2".repeat(32)}`);
const guardian = new Wallet(`0x${"c3".repeat(32)}`);
const agent = owner.address;
const deadline = 4_102_444_800n;

/** What must be true before a request is accepted, what differs from the vectors' message, and who signs it. */
interface Case {
  readonly before?: readonly AgentRegistryRequest[];
  readonly message?: Message;
  readonly signer?: BaseWallet;
  /** Blocks that have to pass after what must be true before. */
  readonly waitBlocks?: number;
  /** The member that names the signer, if it is not the agent's owner. */
  readonly signerMember?: string;
}

const cases: Record<Exclude<AgentRegistryRequest, "KeyOwnership">, Case> = {
  Register: { message: { signingKey: signingKey(1) } },
  AddSigningKey: { before: ["Register"], message: { signingKey: signingKey(2) } },
  RevokeSigningKey: { before: ["Register"], message: { signingKey: signingKey(1) } },
  RotateSigningKey: { before: ["Register"], message: { oldKey: signingKey(1), newKey: signingKey(2) } },
  ChangeOwner: { message: { newOwner: nextOwner.address } },
  AcceptOwner: {
    before: ["ChangeOwner"],
    message: { newOwner: nextOwner.address },
    signer: nextOwner,
    signerMember: "newOwner",
  },
  AddDelegate: {},
  RevokeDelegate: {},
  SetAttribute: {},
  RevokeAttribute: {},
  SetCard: { before: ["Register"] },
  SetGuardians: { message: { guardians: [guardian.address], threshold: 1n, delayBlocks: 300n } },
  ApproveRecovery: {
    before: ["SetGuardians"],
    message: { guardian: guardian.address, newOwner: nextOwner.address },
    signer: guardian,
    signerMember: "guardian",
  },
  ExecuteRecovery: {
    before: ["SetGuardians", "ApproveRecovery"],
    message: { newOwner: nextOwner.address },
    signer: nextOwner,
    waitBlocks: 300,
    signerMember: "newOwner",
  },
  VetoRecovery: { before: ["SetGuardians"] },
  Deactivate: {},
};

/** Another value of the same type. */
function other(value: unknown): unknown {
  if (typeof value === "bigint") return value + 1n;
  if (Array.isArray(value)) return value.slice(1);
  if (typeof value === "string" && value.startsWith("0x") && value.length > 2) {
    return `${value.slice(0, -1)}${value.endsWith("0") ? "1" : "0"}`.toLowerCase();
  }
  return `${String(value)}.`;
}

async function customError(contract: Contract, call: Promise<unknown>): Promise<{ name: string; args: unknown[] }> {
  const error = await rejection(call);
  const { data } = error as { data?: unknown };
  if (typeof data !== "string") throw error;
  const parsed = contract.interface.parseError(data);
  if (parsed === null) throw error;
  return { name: parsed.name, args: [...(parsed.args as Result)] };
}

describe("AgentRegistry: every request that is signed and carried", () => {
  async function chain() {
    const fixture = await registryChain();
    const carrier = fixture.signers[1]!;
    const registry = fixture.agents(carrier);
    const domain = agentRegistryDomain(fixture.chainId, await registry.getAddress());
    return { ...fixture, carrier, registry, domain };
  }

  function messageOf(request: keyof typeof cases, nonce: bigint): Message {
    const vector = vectors.AgentRegistry.requests[request].message;
    return { ...vector, ...cases[request].message, agent, nonce, deadline };
  }

  function sign(domain: TypedDataDomain, request: keyof typeof cases, message: Message): Promise<string> {
    return (cases[request].signer ?? owner).signTypedData(domain, signerTypes(agentRegistryTypes, request), message);
  }

  function call(registry: Contract, request: keyof typeof cases) {
    return registry.getFunction(`${request[0]!.toLowerCase()}${request.slice(1)}Signed`);
  }

  async function send(registry: Contract, domain: TypedDataDomain, request: keyof typeof cases): Promise<void> {
    const nonce = (await registry.getFunction("nonces(address)")((cases[request].signer ?? owner).address)) as bigint;
    const message = messageOf(request, nonce);
    await (await call(registry, request)(...Object.values(message), await sign(domain, request, message))).wait();
  }

  it("covers every request", () => {
    expect([...Object.keys(cases), "KeyOwnership"].sort()).to.deep.equal(Object.keys(agentRegistryTypes).sort());
  });

  for (const request of Object.keys(cases) as (keyof typeof cases)[]) {
    const { before = [], signer = owner, signerMember, waitBlocks = 0 } = cases[request];

    it(`${request}: is accepted as it was signed, and refused with one argument changed`, async () => {
      const { registry, domain, networkHelpers } = await chain();
      for (const earlier of before) await send(registry, domain, earlier as keyof typeof cases);
      if (waitBlocks > 0) await networkHelpers.mine(waitBlocks);
      const nonce = (await registry.getFunction("nonces(address)")(signer.address)) as bigint;
      const message = messageOf(request, nonce);
      const signature = await sign(domain, request, message);
      const write = call(registry, request);

      for (const { name } of agentRegistryTypes[request]) {
        const changed: Message = { ...message, [name]: other(message[name]) };
        const error = await customError(registry, write.staticCall(...Object.values(changed), signature));
        const asked = name === "agent" && signerMember === undefined ? changed.agent : changed[signerMember ?? "agent"];
        if (name === "nonce") {
          expect(error, name).to.deep.equal({ name: "InvalidAccountNonce", args: [signer.address, nonce] });
        } else if (name === signerMember || (name === "agent" && signerMember === undefined)) {
          // Another account is asked now, one that has signed nothing yet.
          expect(error.args[0], name).to.satisfy((got: string) => got.toLowerCase() === String(asked).toLowerCase());
          expect(error.name, name).to.be.oneOf(["InvalidSignature", "InvalidAccountNonce"]);
        } else {
          expect(error, name).to.deep.equal({ name: "InvalidSignature", args: [signer.address] });
        }
      }
      await (await write(...Object.values(message), signature)).wait();
      expect(await registry.getFunction("nonces(address)")(signer.address)).to.equal(nonce + 1n);
    });

    it(`${request}: does what the same call by its signer does`, async () => {
      const { registry, domain, ethers, networkHelpers } = await chain();
      for (const earlier of before) await send(registry, domain, earlier as keyof typeof cases);
      if (waitBlocks > 0) await networkHelpers.mine(waitBlocks);
      const nonce = (await registry.getFunction("nonces(address)")(signer.address)) as bigint;
      const message = messageOf(request, nonce);
      const signature = await sign(domain, request, message);
      // Who calls is not named, be it the agent that registers or another than its owner.
      const called = request === "Register" ? "agent" : signerMember;
      const own = Object.keys(message).filter((name) => ![called, "nonce", "deadline"].includes(name));
      await networkHelpers.setBalance(signer.address, 10n ** 18n);
      const start = await networkHelpers.takeSnapshot();
      const at = (await networkHelpers.time.latest()) + 10;
      const logsOf = async (sent: () => Promise<{ wait(): Promise<{ logs: readonly Log[] } | null> }>) => {
        await start.restore();
        await networkHelpers.time.setNextBlockTimestamp(at);
        const { logs = [] } = (await (await sent()).wait()) ?? {};
        return logs.map(({ topics, data }) => ({ topics, data }));
      };
      const direct = registry.connect(signer.connect(ethers.provider)) as Contract;
      const name = `${request[0]!.toLowerCase()}${request.slice(1)}`;
      const bySigner = await logsOf(() => direct.getFunction(name)(...own.map((member) => message[member])));
      expect(bySigner).to.not.be.empty;
      expect(await logsOf(() => call(registry, request)(...Object.values(message), signature))).to.deep.equal(bySigner);
    });

    it(`${request}: is refused once used, late, or signed for another chain or contract`, async () => {
      const { registry, domain, networkHelpers } = await chain();
      for (const earlier of before) await send(registry, domain, earlier as keyof typeof cases);
      if (waitBlocks > 0) await networkHelpers.mine(waitBlocks);
      const nonce = (await registry.getFunction("nonces(address)")(signer.address)) as bigint;
      const message = messageOf(request, nonce);
      const write = call(registry, request);
      const arguments_ = Object.values(message);

      for (const wrong of [
        { ...domain, chainId: domain.chainId + 1n },
        { ...domain, verifyingContract: ZeroAddress },
      ]) {
        const error = await customError(registry, write.staticCall(...arguments_, await sign(wrong, request, message)));
        expect(error).to.deep.equal({ name: "InvalidSignature", args: [signer.address] });
      }
      const signature = await sign(domain, request, message);
      await (await write(...arguments_, signature)).wait();
      const replay = await customError(registry, write.staticCall(...arguments_, signature));
      expect(replay).to.deep.equal(
        request === "Deactivate"
          ? { name: "AgentDeactivated", args: [agent] }
          : { name: "InvalidAccountNonce", args: [signer.address, nonce + 1n] },
      );
      if (request === "Deactivate") return;
      await networkHelpers.time.increaseTo(deadline + 1n);
      const late = await customError(registry, write.staticCall(...arguments_, signature));
      expect(late.name).to.equal("SignatureExpired");
      expect(late.args[0]).to.equal(deadline);
    });
  }

  it("a nonce under any key is used once, in the order of its key", async () => {
    const { registry, domain } = await chain();
    const key = (2n ** 192n - 1n) << 64n;
    for (const nonce of [key, key + 1n, 0n]) {
      const message = { ...messageOf("SetAttribute", nonce) };
      const signature = await sign(domain, "SetAttribute", message);
      await (await call(registry, "SetAttribute")(...Object.values(message), signature)).wait();
    }
    const message = messageOf("SetAttribute", key + 5n);
    const error = await customError(
      registry,
      call(registry, "SetAttribute").staticCall(...Object.values(message), await sign(domain, "SetAttribute", message)),
    );
    expect(error).to.deep.equal({ name: "InvalidAccountNonce", args: [agent, key + 2n] });
  });
});
