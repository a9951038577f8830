import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answerViolation, findOperation } from "../../../relayer/http/operations.ts";
import { readRelayerConfig, type RelayerConfig } from "../../../relayer/config.ts";
import { formatDeployment } from "../../../protocol/deployment.ts";
import { openSenderKey } from "../../../relayer/sender/signer.ts";
import { type RelayerSeams, startRelayer } from "../../../relayer/startRelayer.ts";
import type { TestChain } from "./chain.ts";

/** Of the operator of every relayer in tests. */
export const testOperatorToken = "operator-of-the-relayers-in-tests";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read answers of every shape
  readonly body: any;
  readonly text: string;
}

/** A folder that a relayer lives in, with its settings; the relayer may be started and ended many times. */
export class RelayerHome {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(dir: string, env: Record<string, string>) {
    this.dir = dir;
    this.env = env;
  }

  static async make(chain: TestChain, env: Record<string, string> = {}): Promise<RelayerHome> {
    const dir = await mkdtemp(join(tmpdir(), "affiant-relayer-"));
    const deployment = join(dir, "deployment.json");
    await writeFile(deployment, formatDeployment(chain.deployment));
    await writeFile(join(dir, "operator.token"), testOperatorToken, { mode: 0o600 });
    await chain.fund(openSenderKey(join(dir, "sender.key")).address);
    return new RelayerHome(dir, {
      AFFIANT_RPC_URL: chain.url,
      AFFIANT_DATA_DIR: dir,
      AFFIANT_PORT: "0",
      AFFIANT_DEPLOYMENT: deployment,
      AFFIANT_LOG_ORIGIN: `test.example/${dir.slice(-6)}`,
      AFFIANT_LOG_LEVEL: "silent",
      AFFIANT_CONFIRMATIONS: "2",
      AFFIANT_POLL_INTERVAL_MS: "20",
      AFFIANT_VERIFY_THREADS: "1",
      AFFIANT_ANCHOR_INTERVAL_MS: "3600000",
      ...env,
    });
  }

  config(env: Record<string, string> = {}): RelayerConfig {
    return readRelayerConfig({ ...this.env, ...env });
  }

  async start(env: Record<string, string> = {}, seams: RelayerSeams = {}) {
    const relayer = await startRelayer(this.config(env), seams);
    return { ...relayer, ...httpTo(relayer.url) };
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Every answer to a test's client must be one that the OpenAPI document describes. */
function holdToDocument(method: string, path: string, answer: Parameters<typeof answerViolation>[1]): void {
  const found = findOperation(method, path);
  if (!found && answer.status !== 404) throw new Error(`${method} ${path} is not documented`);
  const violation = found && answerViolation(found, answer);
  if (violation !== undefined) throw new Error(`${method} ${path}: ${violation}: ${JSON.stringify(answer.body)}`);
}

export function httpTo(url: string) {
  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(path === "/v1/log/anchor" ? { authorization: `Bearer ${testOperatorToken}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const contentType = response.headers.get("content-type");
    const json: unknown = contentType?.includes("json") ? JSON.parse(text) : undefined;
    const answer = { status: response.status, headers: response.headers, text, body: json };
    holdToDocument(method, new URL(url + path).pathname, { status: answer.status, contentType, body: json });
    return answer;
  }
  return {
    get: (path: string) => call("GET", path),
    post: (path: string, body?: unknown, headers?: Record<string, string>) => call("POST", path, body, headers),
    put: (path: string, body: string) => call("PUT", path, body),
  };
}

export type RunningRelayer = Awaited<ReturnType<RelayerHome["start"]>>;
