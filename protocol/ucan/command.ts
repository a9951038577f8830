import { AffiantError } from "../errors/affiantError.ts";

/** `/` or `/segment/segment…`, lower case, no empty segment (UCAN §Command). */
const commandPattern = /^\/$|^(?:\/[a-z0-9_.-]+)+$/;

/** @throws AffiantError ERR_INPUT_UCAN */
export function assertCommand(command: unknown): asserts command is string {
  if (typeof command !== "string" || command.length > 256 || !commandPattern.test(command)) {
    throw new AffiantError("ERR_INPUT_UCAN", "the command is not a lower-case path such as /payment/charge");
  }
}

/** Whether `command` is `granted` or lies beneath it. Segments are compared whole: `/crm` does not cover `/crmx`. */
export function commandCovers(granted: string, command: string): boolean {
  return granted === "/" || command === granted || command.startsWith(`${granted}/`);
}
