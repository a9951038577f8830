import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { Endpoint, RpcError } from "./endpoint.ts";

export { RpcError };

export interface Rpc {
  /**
   * @throws RpcError a contract's revert, code that did not run to its end, a transaction that is refused
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN if no endpoint answered: limits and troubles of a node are no answers
   */
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  /** One line for each endpoint that is out of use, and why. */
  troubles(): string[];
}

/** An endpoint and what is thought of it. */
interface Standing {
  readonly node: Endpoint;
  /** Host only: the path or query of an RPC address often is an access token. */
  readonly label: string;
  checked: boolean;
  trouble: string | undefined;
  retryAtMs: number;
}

const benchMs = 5_000;
/** Endpoints are compared this often; one that is so many blocks behind the best is not asked while others answer. */
const compareEveryMs = 5_000;
const maxLagBlocks = 4;

/**
 * Plain JSON-RPC over several endpoints. Calls go to the first one in good standing; one that fails is benched for a
 * while, and so is one that lags behind the others. Each endpoint is asked for its chain id before it is believed, so
 * one that serves another chain is never used.
 * @param batchLimit calls that travel in one HTTP request, at most
 */
export function connectRpc(
  urls: readonly string[],
  chainId: number,
  now: () => number = Date.now,
  batchLimit = 50,
): Rpc {
  const endpoints: Standing[] = urls.map((url) => ({
    node: new Endpoint(url, batchLimit),
    label: new URL(url).host,
    checked: false,
    trouble: undefined,
    retryAtMs: 0,
  }));

  async function ask(endpoint: Standing, method: string, params: readonly unknown[]): Promise<unknown> {
    if (!endpoint.checked) {
      const got = Number(await endpoint.node.call("eth_chainId", []));
      if (got !== chainId) throw new WrongChain(`${endpoint.label} serves chain ${got}, not ${chainId}`);
      endpoint.checked = true;
    }
    const result = await endpoint.node.call(method, params);
    // An answer to a call from before it was benched does not bring it back.
    if (endpoint.retryAtMs <= now()) endpoint.trouble = undefined;
    return result;
  }

  let comparedAtMs = 0;

  /** Benches endpoints that fell behind, or came to serve another chain. A reorg moves them all, so it benches none. */
  async function compare(): Promise<void> {
    const heads = await Promise.all(
      endpoints.map(async ({ node }) => {
        try {
          const [id, head] = await Promise.all([node.call("eth_chainId", []), node.call("eth_blockNumber", [])]);
          return { chainId: Number(id), head: Number(head) };
        } catch {
          return undefined; // calls will find out
        }
      }),
    );
    const best = Math.max(...heads.map((seen) => (seen?.chainId === chainId ? seen.head : 0)));
    endpoints.forEach((endpoint, i) => {
      const seen = heads[i];
      if (!seen) return;
      if (seen.chainId !== chainId) endpoint.checked = false;
      else if (best - seen.head > maxLagBlocks) {
        endpoint.trouble = `${endpoint.label}: ${best - seen.head} blocks behind`;
        endpoint.retryAtMs = now() + compareEveryMs * 2;
      }
    });
  }

  async function call(method: string, params: readonly unknown[]): Promise<unknown> {
    if (endpoints.length > 1 && now() - comparedAtMs >= compareEveryMs) {
      comparedAtMs = now();
      await compare();
    }
    let answered = false;
    const ready = endpoints.filter((endpoint) => endpoint.retryAtMs <= now());
    for (const endpoint of ready.length > 0 ? ready : endpoints) {
      try {
        return await ask(endpoint, method, params);
      } catch (error) {
        if (error instanceof RpcError) throw error;
        answered ||= isAffiantError(error) && error.details["answered"] === true;
        endpoint.checked = false;
        endpoint.trouble = `${endpoint.label}: ${troubleOf(error)}`;
        endpoint.retryAtMs = now() + benchMs;
      }
    }
    const troubles = endpoints.flatMap((endpoint) => endpoint.trouble ?? []);
    const code = endpoints.every((endpoint) => endpoint.trouble?.includes("serves chain"))
      ? "ERR_CONFLICT_CHAIN"
      : "ERR_UNAVAILABLE_CHAIN";
    throw new AffiantError(code, `no JSON-RPC endpoint answered ${method}`, {
      // Asked alone, a node may have a reason of its own against this question.
      details: { answered },
      cause: troubles.join("; "),
    });
  }

  return { call, troubles: () => endpoints.flatMap((endpoint) => endpoint.trouble ?? []) };
}

/** What came instead of an answer, without the question. */
function troubleOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof RpcError ? cause.message : typeof cause === "string" ? cause : message;
}

class WrongChain extends Error {}
