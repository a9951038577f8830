import type { Hex } from "../encoding/hex.ts";

/**
 * What an error of JSON-RPC is. `revert`: the contract's own word, with revert data. `failed`: the node says that the code
 * did not run to its end and shows no word of it (out of gas, "execution reverted" alone). `later`: a limit, or trouble of
 * the node's own. `narrower`: so many blocks or logs are not answered at once. `fewer`: so many requests are not, or no
 * batch at all. `refused`: anything else.
 */
export type RefusalKind = "revert" | "failed" | "later" | "narrower" | "fewer" | "refused";

/** The `error` of a JSON-RPC answer, of unknown form. */
export interface RawRpcError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly data?: unknown;
}

/** What a node answered instead of a result. Only the kind `revert` says anything of the chain. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly rpcCode: number;
  readonly kind: RefusalKind;
  /** Revert data, `0x…` of at least the selector's four bytes, or `0x` where the node says that there was none. */
  readonly data: Hex | undefined;

  constructor(rpcCode: number, message: string, data: unknown) {
    super(message);
    this.rpcCode = rpcCode;
    this.data = revertDataIn(data);
    this.kind = kindOf(rpcCode, message, this.data);
  }
}

export function rpcErrorOf({ code, message, data }: RawRpcError): RpcError {
  return new RpcError(typeof code === "number" ? code : 0, typeof message === "string" ? message : "", data);
}

/** EIP-1474 "limit exceeded", and the codes that Base, Infura, Ankr, Cloudflare and others use for it; -32603 is "internal error". */
const laterCodes: ReadonlySet<number> = new Set([-32005, -32016, -32029, -32090, -32097, -32603, 429]);
const laterWords =
  /rate.?limit|too many requests|request (?:rate|count|limit)|daily request|quota|throttl|compute units|capacity|credits|project id|try again|timed? ?out|overload|\bbusy\b/i;
const narrowerWords =
  /block range|range (?:of|exceed|is|too|limit|should)|range.*(?:limit|maximum|blocks)|(?:query|request).*returned more than|more than [\d,]+ (?:results|logs|blocks)|(?:response|result|log).*(?:size|too (?:large|many|big))|too (?:wide|large)|max(?:imum)? (?:number of )?(?:blocks?|range)|too many blocks|limited to.*(?:blocks?|range)/i;
/** Code 3 is geth's, -32015 that of OpenEthereum and Nethermind. */
const executionCodes: ReadonlySet<number> = new Set([3, -32015]);
const executionWords =
  /revert|vm (?:exception|execution)|evm error|out ?of ?gas|gas too low|gas required exceeds|invalid opcode|bad instruction|invalid jump|stack (?:under|over)flow/i;

function kindOf(code: number, message: string, data: Hex | undefined): RefusalKind {
  // A limit first: whatever stands beside it, the contract was not asked.
  const isLimit = (code !== -32603 && laterCodes.has(code)) || laterWords.test(message);
  if (!isLimit && (executionCodes.has(code) || executionWords.test(message))) {
    return data === undefined ? "failed" : "revert";
  }
  if (/\bbatch/i.test(message)) return "fewer";
  // -32005 stands for both: the words tell.
  if (narrowerWords.test(message)) return "narrower";
  return isLimit || laterCodes.has(code) ? "later" : "refused";
}

/**
 * Revert data in the `data` of an error: itself, a level or two deeper (Hardhat), or behind a word ("Reverted 0x…").
 * @returns undefined for anything else: one to three bytes are no custom error of any contract
 */
function revertDataIn(data: unknown, depth = 0): Hex | undefined {
  if (typeof data === "string") {
    const hex = data.replace(/^reverted\s+/i, "");
    return /^0x(?:(?:[0-9a-f]{2}){4,})?$/i.test(hex) ? (hex.toLowerCase() as Hex) : undefined;
  }
  if (depth >= 3 || typeof data !== "object" || data === null || !("data" in data)) return undefined;
  return revertDataIn(data.data, depth + 1);
}
