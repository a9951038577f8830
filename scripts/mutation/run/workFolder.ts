import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** What a copy of the repository does without. */
const left = new Set(["node_modules", ".git", "data", "coverage", "dist"]);

/**
 * A copy of the repository to mutate, with what was built already: the checkout itself is never touched. Its packages are
 * those of the checkout.
 * @param root of the repository
 */
export async function makeWorkFolder(root: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "affiant-mutation-"));
  for (const name of await readdir(root)) {
    if (!left.has(name)) await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await deployByName(folder);
  return folder;
}

export async function removeWorkFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/**
 * Solidity tests carry the code of what they deploy, so that each mutant would need all of them compiled anew, at several
 * times its own cost. In the copy they deploy by name instead: `new LogAnchor()` becomes
 * `LogAnchor(deployedByName("LogAnchor", ""))`, which takes the code that is in `artifacts/` at that time.
 */
async function deployByName(folder: string): Promise<void> {
  const tests = join(folder, "test/contracts");
  const sources = await readdir(join(folder, "contracts"), { recursive: true });
  const contracts = new Set(sources.filter((name) => name.endsWith(".sol")).map((name) => basename(name, ".sol")));
  for (const name of await readdir(tests, { recursive: true })) {
    if (!name.endsWith(".sol")) continue;
    const text = await readFile(join(tests, name), "utf8");
    const changed = added(deployingByName(text, contracts));
    if (changed !== text) await writeFile(join(tests, name), changed);
  }
}

/** @param contracts by name, as their files are */
export function deployingByName(text: string, contracts: ReadonlySet<string>): string {
  const deployed = [...text.matchAll(/\bnew ([A-Za-z0-9_]+)\(/g)].filter(([, name = ""]) => contracts.has(name));
  let changed = text;
  // From the end, so that what comes before stays where it is.
  for (const { 0: begin, 1: name = "", index } of deployed.reverse()) {
    const open = index + begin.length;
    const close = closingParenthesis(changed, open);
    const passed = changed.slice(open, close);
    const code = `${name}(deployedByName("${name}", ${passed.trim() === "" ? '""' : `abi.encode(${passed})`}))`;
    changed = `${changed.slice(0, index)}${code}${changed.slice(close + 1)}`;
  }
  return changed;
}

/** Of the parenthesis that is open at `from`. */
function closingParenthesis(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    if (text[at] === ")") depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error("a parenthesis is not closed");
}

const getCode = `
    function getCode(string calldata name) external view returns (bytes memory);`;
const deploy = `
    function deployedByName(string memory name, bytes memory passed) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), passed);
        assembly { made := create(0, add(code, 32), mload(code)) }
        require(made != address(0), name);
    }`;

/** What the changed tests call. */
function added(text: string): string {
  return text
    .replace("interface Vm {", `interface Vm {${getCode}`)
    .replace("abstract contract Assert {", `abstract contract Assert {${deploy}`);
}
