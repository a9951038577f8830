import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Contract, keccak256 } from "ethers";

import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { readDeploymentFile, writeDeploymentFile } from "../../../orchestrator/deploy/deploymentFile.ts";
import { type Deployment, deployedContractNames } from "../../../protocol/deployment.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { deployedChain } from "../../helpers/deploy.ts";
import { rejection } from "../../helpers/rejection.ts";

const withAddress = (deployment: Deployment, address: string): Deployment => ({
  ...deployment,
  contracts: { ...deployment.contracts, logAnchor: { ...deployment.contracts.logAnchor, address } },
});

describe("deploying the contracts", () => {
  it("puts code at every address, names its hash and block, and wires the registries", async () => {
    const { ethers, deployment, deployer } = await deployedChain();
    for (const name of deployedContractNames) {
      const { address, blockNumber, codeHash } = deployment.contracts[name];
      expect(keccak256(await ethers.provider.getCode(address)), name).to.equal(codeHash);
      expect(await ethers.provider.getCode(address, blockNumber - 1), name).to.equal("0x");
    }
    const { accessManager, agentRegistry, policyRegistry } = deployment.contracts;
    for (const { address } of [agentRegistry, policyRegistry]) {
      const managed = new Contract(address, ["function authority() view returns (address)"], deployer);
      expect(await managed["authority"]?.()).to.equal(accessManager.address);
    }
    const manager = new Contract(
      accessManager.address,
      ["function hasRole(uint64, address) view returns (bool isMember, uint32 executionDelay)"],
      deployer,
    );
    const adminRole = 0n;
    expect((await manager["hasRole"]?.(adminRole, deployer.address)).isMember).to.equal(true);
  });

  it("sends nothing when the chain holds the deployment already", async () => {
    const { deployment, deployer } = await deployedChain();
    const nonce = await deployer.getNonce();
    expect(await deployContracts(deployer, { previous: deployment })).to.deep.equal(deployment);
    expect(await deployer.getNonce()).to.equal(nonce);
  });

  it("deploys anew on a chain that holds none of it", async () => {
    const { deployment: elsewhere } = await deployedChain();
    const { deployer, deployment } = await deployedChain();
    const unknown: Deployment = {
      ...elsewhere,
      contracts: Object.fromEntries(
        Object.entries(elsewhere.contracts).map(([name, contract], index) => [
          name,
          { ...contract, address: `0x${String(index + 1).repeat(40)}` },
        ]),
      ) as Deployment["contracts"],
    };
    const again = await deployContracts(deployer, { previous: unknown });
    expect(again.contracts.logAnchor.address).to.not.equal(deployment.contracts.logAnchor.address);
  });

  it("refuses a chain that holds only a part", async () => {
    const { deployment, deployer } = await deployedChain();
    const address = `0x${"11".repeat(20)}`;
    const error = await rejection(deployContracts(deployer, { previous: withAddress(deployment, address) }));
    expect(isAffiantError(error, "ERR_CONFLICT_CHAIN")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ contract: "logAnchor", address });
  });

  it("refuses a chain that holds other code at an address", async () => {
    const { deployment, deployer } = await deployedChain();
    const { address } = deployment.contracts.accessManager;
    const error = await rejection(deployContracts(deployer, { previous: withAddress(deployment, address) }));
    expect(isAffiantError(error, "ERR_CONFLICT_CHAIN")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ contract: "logAnchor", address });
  });

  it("refuses a chain of another id", async () => {
    const { deployment, deployer } = await deployedChain();
    const error = await rejection(deployContracts(deployer, { previous: { ...deployment, chainId: 1 } }));
    expect(isAffiantError(error, "ERR_CONFLICT_CHAIN")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ expectedChainId: 1, foundChainId: 31_337 });
  });

  it("says what to run when nothing is compiled", async () => {
    const { deployer } = await deployedChain();
    const error = await rejection(deployContracts(deployer, { artifactsDir: join(tmpdir(), "affiant-no-artifacts") }));
    expect(isAffiantError(error, "ERR_INPUT_FILE")).to.equal(true);
    expect((error as { hint: unknown }).hint).to.equal("Run: npm run build");
  });
});

describe("the deployment file", () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-deployment-"));
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is absent before the first deployment and comes back as it was written", async () => {
    const path = join(dir, "sub/deployment.json");
    expect(await readDeploymentFile(path)).to.equal(undefined);
    const { deployment } = await deployedChain();
    await writeDeploymentFile(path, deployment);
    expect(await readDeploymentFile(path)).to.deep.equal(deployment);
  });

  it("is refused when it is cut off", async () => {
    const path = join(dir, "deployment.json");
    writeFileSync(path, '{ "chainId": 31337, "contra');
    const error = await rejection(readDeploymentFile(path));
    expect(isAffiantError(error, "ERR_INPUT_DEPLOYMENT")).to.equal(true);
  });
});
