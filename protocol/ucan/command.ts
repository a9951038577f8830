import { AffiantError } from "../errors/affiantError.ts";

/**
 * `/` or `/segment/segment…`, lower case, no empty segment (UCAN §Command). Segments are of any script: `/支払/請求`. Blanks,
 * control characters and what cannot be seen are refused, since two commands that look alike must not be two.
 */
const commandPattern = /^\/$|^(?:\/[^/\s\p{C}\p{Z}]+)+$/u;

/** @throws AffiantError ERR_INPUT_UCAN */
export function assertCommand(command: unknown): asserts command is string {
  if (typeof command !== "string" || command.length > 256 || !isCommand(command)) {
    throw new AffiantError("ERR_INPUT_UCAN", "the command is not a lower-case path such as /payment/charge");
  }
}

function isCommand(command: string): boolean {
  return commandPattern.test(command) && command.normalize("NFC") === command && command.toLowerCase() === command;
}

/** Whether `command` is `granted` or lies beneath it. Segments are compared whole: `/crm` does not cover `/crmx`. */
export function commandCovers(granted: string, command: string): boolean {
  return granted === "/" || command === granted || command.startsWith(`${granted}/`);
}
