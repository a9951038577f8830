import type { Deployment } from "../../protocol/deployment.ts";
import { type Finding, unknown, well, wrong } from "./finding.ts";

const patienceMs = 5_000;
/** Between a clock and a chain that mines once in a while; entries are timed by blocks, so this is for people. */
const driftSec = 120;

/** The chain, whether the contracts are on it, and whether its clock and ours agree. */
export async function chain(
  url: string | undefined,
  deployment: Deployment | undefined,
  nowSec: number,
): Promise<readonly Finding[]> {
  if (url === undefined) return [unknown("chain", "none is known; --rpc or AFFIANT_RPC_URL names one")];
  const ask = (method: string, ...params: unknown[]) => rpc(url, method, params);
  let id: number;
  let block: { number: string; timestamp: string };
  try {
    id = Number(await ask("eth_chainId"));
    block = (await ask("eth_getBlockByNumber", "latest", false)) as typeof block;
    if (!Number.isSafeInteger(id)) throw new Error("it gives no chain id");
  } catch (error) {
    return [
      wrong(
        "chain",
        `${url}: ${(error as Error).message}`,
        "Is the URL right, and is it a JSON-RPC endpoint that is up?",
      ),
    ];
  }
  const found = [well("chain", `${url}, chain ${id}, block ${Number(block.number)}`)];
  const behind = nowSec - Number(block.timestamp);
  found.push(
    Math.abs(behind) <= driftSec
      ? well("clock", `${Math.abs(behind)} s from the newest block's`)
      : wrong(
          "clock",
          `${Math.abs(behind)} s ${behind > 0 ? "ahead of" : "behind"} the newest block's`,
          "Set this machine's clock (NTP); or the endpoint lags",
        ),
  );
  if (!deployment) return [...found, unknown("contracts", "no deployment is known; --deployment names one")];
  if (deployment.chainId !== id) {
    return [
      ...found,
      wrong(
        "contracts",
        `they are on chain ${deployment.chainId}, and this is ${id}`,
        "Give --rpc and --deployment of one chain",
      ),
    ];
  }
  const empty: string[] = [];
  for (const [name, { address }] of Object.entries(deployment.contracts)) {
    const code = await ask("eth_getCode", address, "latest").catch(() => "?");
    if (code === "?") return [...found, unknown("contracts", "the endpoint stopped answering")];
    if (code === "0x") empty.push(name);
  }
  found.push(
    empty.length === 0
      ? well("contracts", `${Object.keys(deployment.contracts).length} of them have code`)
      : wrong(
          "contracts",
          `no code at the address of ${empty.join(", ")}`,
          "The deployment is of another chain of this id",
        ),
  );
  return found;
}

export async function relayer(url: string | undefined): Promise<Finding> {
  if (url === undefined) return unknown("relayer", "none is known; --relayer or AFFIANT_RELAYER_URL names one");
  try {
    const response = await fetch(new URL("/healthz", url), { signal: AbortSignal.timeout(patienceMs) });
    return response.ok
      ? well("relayer", `${url} is up`)
      : wrong("relayer", `${url} answers ${response.status}`, "See its log; affiant status tells more");
  } catch (error) {
    return wrong("relayer", `${url}: ${reason(error)}`, "Start it: npm start, or affiant relayer");
  }
}

async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  let text: string;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(patienceMs),
    });
    text = await response.text();
  } catch (error) {
    throw new Error(reason(error), { cause: error });
  }
  let body: { result?: unknown; error?: { message?: string } };
  try {
    body = JSON.parse(text) as typeof body;
  } catch (cause) {
    throw new Error("it answers something that is not JSON-RPC", { cause });
  }
  if (typeof body !== "object" || body === null || !("result" in body)) {
    throw new Error(body?.error?.message ?? "it answers something that is not JSON-RPC");
  }
  return body.result;
}

function reason(error: unknown): string {
  const { cause, message } = error as Error;
  return ((cause as NodeJS.ErrnoException | undefined)?.code ?? message).slice(0, 200);
}
