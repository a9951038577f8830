import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import type { RequestHandler } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { writeSecretFile } from "../store/secretFile.ts";

/**
 * The operator's bearer token, made (mode 0600) if there is none.
 * @throws AffiantError ERR_INPUT_FILE for one that could be guessed
 */
export function openOperatorToken(file: string): string {
  if (!existsSync(file)) writeSecretFile(file, `${randomBytes(32).toString("hex")}\n`);
  const token = readFileSync(file, "utf8").trim();
  if (/^[!-~]{32,512}$/.test(token)) return token;
  throw new AffiantError("ERR_INPUT_FILE", `${file} holds no token of 32 characters or more`, {
    hint: "Remove the file: another one is made at the next start.",
  });
}

/** Lets the operator pass, and nobody else: ERR_AUTH_OPERATOR. */
export function operatorOnly(token: string): RequestHandler {
  const expected = Buffer.from(`Bearer ${token}`);
  return (request, _response, next) => {
    const given = Buffer.from(request.get("authorization") ?? "");
    if (given.length === expected.length && timingSafeEqual(given, expected)) next();
    else {
      throw new AffiantError("ERR_AUTH_OPERATOR", "this is the operator's", {
        hint: "Its token is in operator.token, in the relayer's data folder.",
      });
    }
  };
}
