import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { CallGraph } from "../../scripts/contracts/callGraph.ts";
import { findingsIn } from "../../scripts/contracts/findings.ts";
import { Compiler } from "../../scripts/mutation/compiler.ts";

const root = join(import.meta.dirname, "../..");

const imports = `
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
`;

describe("scripts/contracts", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affiant-contracts-"));
    await mkdir(join(folder, "contracts"));
    await writeFile(join(folder, "package.json"), "{}");
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  });
  after(() => rm(folder, { recursive: true }));

  async function findings(body: string, is = "C"): Promise<readonly string[]> {
    const text = `pragma solidity ^0.8.28;\n${imports}\ninterface Other { function write() external; function read() external view returns (bool); }
      abstract contract Base { event E(); uint256 internal kept; address internal owner;
        modifier byOwner() { require(msg.sender == owner); _; }
        function _hook() internal virtual { kept = 1; } function open() external virtual byOwner { _hook(); emit E(); } }
      contract ${is} { ${body} }`;
    await writeFile(join(folder, "contracts/C.sol"), text);
    const asts = new Compiler(folder).asts(["contracts/C.sol"]);
    const found = findingsIn(new CallGraph(asts.values()), ({ name }) => name === "C");
    return found.map(({ rule, place, detail }) => [rule, place, detail].join(" ").trim());
  }
  const asBase = (body: string) => findings(body, "C is Base");

  it("finds nothing in writes that ask who calls, or check a signature, and are announced", async () => {
    expect(await asBase("function f() external byOwner { kept = 2; emit E(); }")).to.deep.equal([]);
    const signed = "if (ECDSA.recover(bytes32(kept), signature) == owner) { kept = 2; emit E(); }";
    expect(await asBase(`function f(bytes calldata signature) external { ${signed} }`)).to.deep.equal([]);
    expect(await asBase("function f(Other o) external view returns (bool) { return o.read(); }")).to.deep.equal([]);
  });

  it("finds writes that anybody may make, also where an override drops the check of its base", async () => {
    expect(await asBase("function f() external { kept = 2; emit E(); }")).to.deep.equal(["open-to-all C.f"]);
    expect(await asBase("function open() external override { _hook(); emit E(); }")).to.deep.equal([
      "open-to-all C.open",
    ]);
  });

  it("finds what a function does through what it calls, also by an override", async () => {
    const hook = "function _hook() internal override { Other(owner).write(); kept = block.timestamp; }";
    expect(await asBase(hook)).to.deep.equal([
      "hands-over-control C.open write",
      "reads-environment C.open block.timestamp",
    ]);
    const assembly = "function f() external byOwner { assembly { pop(delegatecall(gas(), 1, 0, 0, 0, 0)) } emit E(); }";
    expect(await asBase(assembly)).to.deep.equal(["hands-over-control C.f delegatecall"]);
    const sent = 'function f() external byOwner { (bool done, ) = owner.call(""); require(done); emit E(); }';
    expect(await asBase(sent)).to.deep.equal(["hands-over-control C.f call"]);
  });

  it("finds writes without an event", async () => {
    expect(await asBase("function f() external byOwner { kept = 2; }")).to.deep.equal(["silent-write C.f"]);
  });

  it("finds implementations that anybody can initialise, and storage that an upgrade may overlay", async () => {
    const event = "event Done();";
    const once = "function initialize() external initializer { emit Done(); }";
    const disabled = "constructor() { _disableInitializers(); }";
    const initializable = "C is Initializable";
    expect(await findings(`${event} ${once} ${disabled}`, initializable)).to.deep.equal(["open-to-all C.initialize"]);
    for (const body of [`${event} ${once}`, `${event} ${disabled} function initialize() external { emit Done(); }`]) {
      expect(await findings(body, initializable)).to.deep.equal([
        "open-to-all C.initialize",
        "initializer-unguarded C.initialize",
      ]);
    }
    expect(await findings(`${event} ${once} ${disabled} uint256 x; uint256 constant Y = 1;`, initializable)).to.include(
      "unnamespaced-storage C x",
    );
  });

  it("finds values of variable length that are packed side by side", async () => {
    const packed = (types: string) =>
      asBase(`function f(${types}) external pure returns (bytes32) { return keccak256(abi.encodePacked(a, b)); }`);
    expect(await packed("string calldata a, bytes calldata b")).to.deep.equal(["packed-dynamic C C"]);
    expect(await packed("uint256 a, bytes calldata b")).to.deep.equal([]);
  });
});
