import type { IncomingMessage, ServerResponse } from "node:http";

/** Sees every request first (log, rate limit, metrics), in Express or ahead of it. Refuses with an error, thrown or told. */
export type Guard = (request: IncomingMessage, response: ServerResponse, next: (refusal?: unknown) => void) => void;

/** Passes the guards, each inside the one before as Express does it, then goes on: with what one refused, if one did. */
export function passGuards(
  guards: readonly Guard[],
  request: IncomingMessage,
  response: ServerResponse,
  then: (refusal?: unknown) => void,
): void {
  const pass = (at: number): void => {
    const guard = guards[at];
    if (!guard) {
      then();
      return;
    }
    try {
      guard(request, response, (refusal) => (refusal === undefined ? pass(at + 1) : then(refusal)));
    } catch (refusal) {
      then(refusal);
    }
  };
  pass(0);
}

/** The headers that a guard sets on every answer, whatever the request. */
export function headersOf(guard: Guard): [string, string][] {
  const headers: [string, string][] = [];
  const response = {
    setHeader: (name: string, value: unknown) => headers.push([name, String(value)]),
    removeHeader: () => undefined,
  };
  guard({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return headers;
}
