import { AffiantError } from "../errors/affiantError.ts";

/**
 * What Cedar's recursive parser and validator take without coming near the end of their stack. A WebAssembly module
 * whose stack ran over stays broken for every later call, so one hostile bundle would take all others with it.
 * The validator looks at each policy under each act, hence a ceiling on both.
 */
export const cedarLimits = {
  nesting: 64,
  operatorsPerPolicy: 256,
  chars: 1 << 17,
  statements: 256,
  acts: 128,
} as const;

// A string that does not end is one token to the end of the text: tried again behind each of its escaped quotes it would take
// time that grows with the square of its length.
const token = /"(?:[^"\\]|\\.)*(?:"|\\?$)|\/\/[^\n]*|[A-Za-z_]\w*|&&|\|\||[^\s]/gs;
const chaining = new Set(["&&", "||", "+", "-", "*", ".", "if"]);

/**
 * Holds Cedar text to `cedarLimits` before Cedar reads it.
 * @throws AffiantError ERR_INPUT_POLICY
 */
export function checkCedarLimits(what: "the schema" | "the policies", text: string): void {
  if (text.length > cedarLimits.chars) fail(`${what}: longer than ${cedarLimits.chars} characters`);
  // `<` opens a type in a schema; in a policy it compares, and must neither open nor close anything.
  const [opening, closing] = what === "the schema" ? ["([{<", ")]}>"] : ["([{", ")]}"];
  let nesting = 0;
  let operators = 0;
  let statements = 0;
  for (const [word] of text.matchAll(token)) {
    if (opening.includes(word)) nesting++;
    else if (closing.includes(word)) nesting--;
    else if (chaining.has(word)) operators++;
    else if (word === ";") {
      operators = 0;
      statements++;
    }
    if (nesting > cedarLimits.nesting) fail(`${what}: nested deeper than ${cedarLimits.nesting}`);
    if (operators > cedarLimits.operatorsPerPolicy) {
      fail(`${what}: a policy chains more than ${cedarLimits.operatorsPerPolicy} operators`);
    }
  }
  if (statements > cedarLimits.statements) fail(`${what}: more than ${cedarLimits.statements} statements`);
}

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_POLICY", message);
}
