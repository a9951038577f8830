import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Redis } from "ioredis";

import { end, freePort } from "./chain.ts";

/** Why Redis cannot be started here; undefined if it can. */
export function redisMissing(): string | undefined {
  const { error } = spawnSync("redis-server", ["--version"], { stdio: "ignore" });
  return error === undefined ? undefined : "redis-server is not installed (Debian: apt-get install redis-server)";
}

/** A Redis of our own: its port, its folder, an append-only file. It may be killed and started again. */
export class TestRedis {
  readonly port: number;
  readonly url: string;
  readonly #dir: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, dir: string, args: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#dir = dir;
    this.#args = args;
  }

  /** @param args more of the command line, such as `--appendonly no` */
  static async start(args: readonly string[] = []): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), await mkdtemp(join(tmpdir(), "affiant-redis-")), args);
    await redis.up();
    return redis;
  }

  get isUp(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  async up(): Promise<void> {
    const safe = ["--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""];
    const place = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#dir];
    this.#child = spawn("redis-server", [...place, ...safe, ...this.#args], { stdio: "ignore" });
    for (;;) {
      if ((await this.command("PING").catch(() => undefined)) === "PONG") return;
      await sleep(20);
    }
  }

  /** One command on a connection of its own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on("error", () => undefined); // the command says it
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async kill(): Promise<void> {
    if (this.#child) await end(this.#child, "SIGKILL");
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
