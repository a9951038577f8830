import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** @throws AffiantError ERR_INPUT_CONFIG for anything but a whole number from 1 */
export function readCount(flag: string, text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new AffiantError("ERR_INPUT_CONFIG", `${flag} is a whole number from 1, not "${text}"`);
}
