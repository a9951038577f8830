import { expect } from "chai";

import {
  type DeployedContractName,
  deployedContractNames,
  formatDeployment,
  parseDeployment,
} from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const contract = (digit: string) => ({
  address: `0x${digit.repeat(40)}`,
  blockNumber: 1,
  codeHash: `0x${digit.repeat(64)}`,
});
type Contracts = Record<DeployedContractName, ReturnType<typeof contract>>;
const valid = () => ({
  chainId: 31_337,
  contracts: Object.fromEntries(deployedContractNames.map((name) => [name, contract("5")])) as Contracts,
});

describe("deployment.json", () => {
  it("reads what it writes", () => {
    const deployment = parseDeployment(JSON.stringify(valid()));
    expect(parseDeployment(formatDeployment(deployment))).to.deep.equal(deployment);
    expect(deployment).to.deep.equal(valid());
  });

  const spoiled: readonly (readonly [string, (deployment: ReturnType<typeof valid>) => unknown, string])[] = [
    ["a chain id of 0", (d) => ({ ...d, chainId: 0 }), "chainId is not a whole number from 1"],
    ["a chain id as text", (d) => ({ ...d, chainId: "31337" }), "chainId is not a whole number from 1"],
    ["an unknown field", (d) => ({ ...d, extra: 1 }), "the deployment holds an unknown extra"],
    [
      "an unknown contract",
      (d) => ({ ...d, contracts: { ...d.contracts, other: contract("6") } }),
      "contracts holds an unknown other",
    ],
    [
      "a missing contract",
      ({ chainId, contracts: { logAnchor: _, ...rest } }) => ({ chainId, contracts: rest }),
      "contracts lacks logAnchor",
    ],
    [
      "a short address",
      (d) => ({ ...d, contracts: { ...d.contracts, logAnchor: { ...contract("5"), address: "0x55" } } }),
      "contracts.logAnchor.address is not an address",
    ],
    [
      "a negative block",
      (d) => ({ ...d, contracts: { ...d.contracts, logAnchor: { ...contract("5"), blockNumber: -1 } } }),
      "contracts.logAnchor.blockNumber is not a whole number from 0",
    ],
    [
      "a code hash in upper case",
      (d) => ({
        ...d,
        contracts: { ...d.contracts, logAnchor: { ...contract("5"), codeHash: `0x${"A".repeat(64)}` } },
      }),
      "contracts.logAnchor.codeHash is not 32 bytes of lower-case hex",
    ],
  ];
  for (const [what, spoil, message] of spoiled) {
    it(`refuses ${what}`, () => {
      expect(() => parseDeployment(JSON.stringify(spoil(valid()))))
        .to.throw(AffiantError, message)
        .with.property("code", "ERR_INPUT_DEPLOYMENT");
    });
  }
});
