/** Requests that were right and are no longer: made from good ones by a seeded generator, so that a run can be repeated. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

/** Whole numbers below `n` (mulberry32): the same for the same seed, on every machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n) | 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  0.5,
  "",
  "\u0000",
  "\ud800",
  "0x",
  `0x${"f".repeat(64)}`,
  "../../etc/passwd",
  "__proto__",
  [],
  {},
  [[[[[[]]]]]],
  "a".repeat(70_000),
];

type Mutation = (request: RawRequest, dice: Dice) => RawRequest;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Changes one value somewhere in a JSON body. */
function changeValue(value: unknown, dice: Dice): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "string" && value.length > 4 && dice.below(2) === 0) return changeText(value, dice);
    return dice.pick(oddValues);
  }
  const keys = Object.keys(value);
  const key = keys[dice.below(keys.length)];
  if (key === undefined || dice.below(6) === 0) return dice.pick(oddValues);
  const copy = structuredClone(value) as Record<string, unknown>;
  const kind = dice.below(6);
  if (kind === 0) Reflect.deleteProperty(copy, key);
  else if (kind === 1 && !Array.isArray(copy)) copy[`${key}${dice.below(9)}`] = copy[key];
  else copy[key] = changeValue(copy[key], dice);
  return copy;
}

/** One character changed, cut, doubled or put in: breaks signatures, hashes, encodings. */
function changeText(text: string, dice: Dice): string {
  const at = dice.below(text.length);
  const odd = dice.pick(["A", "0", "g", ".", "=", " ", "é", "\u0000", "~", "-"]);
  return dice.pick([
    text.slice(0, at) + odd + text.slice(at + 1),
    text.slice(0, at) + text.slice(at + 1),
    text.slice(0, at) + odd + text.slice(at),
    text.slice(0, at),
    text + text,
    text.toUpperCase(),
  ]);
}

const mutations: readonly Mutation[] = [
  (request, dice) => {
    if (!request.body) return request;
    const changed = changeValue(JSON.parse(new TextDecoder().decode(request.body)), dice);
    return { ...request, body: utf8(JSON.stringify(changed)) };
  },
  ({ body, ...request }, dice) => {
    const bytes = Uint8Array.from(body ?? [1, 2, 3]);
    for (let i = 0; i <= dice.below(4); i++) bytes[dice.below(bytes.length)] = dice.below(256);
    return { ...request, body: bytes };
  },
  ({ body, ...request }, dice) => ({
    ...request,
    body: (body ?? new Uint8Array(9)).slice(0, dice.below(body?.length ?? 9)),
  }),
  ({ body: _body, ...request }, dice) => ({ ...request, body: utf8("[".repeat(1 + dice.below(100_000))) }),
  ({ body: _body, ...request }, dice) => ({ ...request, body: utf8(`"${"x".repeat(dice.below(300_000))}"`) }),
  (request, dice) => ({ ...request, path: `/${encodeURI(changeText(request.path, dice)).replace(/^\/+/, "")}` }),
  (request, dice) => ({
    ...request,
    path: `${request.path}${dice.pick(["/", "?", "?size=", "?from=1&from=2", "?index=-1", "%00", "%ff", "/..%2f", "?limit=9007199254740993"])}`,
  }),
  (request, dice) => ({ ...request, method: dice.pick(["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POST", "GET"]) }),
  (request, dice) => {
    const type = dice.pick([
      "text/plain",
      "application/json; charset=utf-16",
      "application/json; charset=x",
      "",
      "multipart/form-data",
    ]);
    return { ...request, headers: { ...request.headers, "content-type": type } };
  },
  (request, dice) => {
    const encoding = dice.pick(["gzip", "br", "deflate", "compress", "identity, gzip"]);
    return { ...request, headers: { ...request.headers, "content-encoding": encoding } };
  },
  (request, dice) => {
    const key = dice.pick(["", " ", "k".repeat(129), "k".repeat(9_000), "a b", "'; DROP TABLE job; --"]);
    return { ...request, headers: { ...request.headers, "idempotency-key": key } };
  },
];

/** One to three mutations of one of the good requests. */
export function mutate(good: readonly RawRequest[], dice: Dice): RawRequest {
  let request = dice.pick(good);
  for (let i = 0; i <= dice.below(3); i++) {
    try {
      request = dice.pick(mutations)(request, dice);
    } catch {
      // The body is no JSON any more: this mutation has nothing left to change.
    }
  }
  const bodyless = request.method === "GET" || request.method === "HEAD";
  return bodyless ? { ...request, body: undefined } : request;
}
