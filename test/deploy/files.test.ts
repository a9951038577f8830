import { expect } from "chai";

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { parse } from "yaml";

import { relayerSettings } from "../../relayer/config.ts";

const root = join(import.meta.dirname, "../..");
const deploy = join(root, "deploy");
const read = (path: string) => readFile(join(deploy, path), "utf8");
const isThere = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: unknown;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly cap_drop?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

/** The Dockerfile's instructions, comments away and continued lines joined. */
function instructionsOf(dockerfile: string): readonly (readonly [string, string])[] {
  const lines = dockerfile
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  return lines.flatMap((line) => {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return name === undefined || rest === undefined ? [] : [[name, rest] as const];
  });
}

describe("deploy: the image", () => {
  it("is built in one stage, runs in another, and not as root", async () => {
    const instructions = instructionsOf(await read("Dockerfile"));
    const stages = instructions.filter(([name]) => name === "FROM");
    expect(stages).to.have.lengthOf(2);
    const last = instructions.slice(instructions.lastIndexOf(stages[1] ?? ["", ""]));
    const user = last.find(([name]) => name === "USER")?.[1] ?? "root";
    expect(Number(user.split(":")[0])).to.be.greaterThan(999);
    expect(last.some(([name, rest]) => name === "RUN" && /npm|apt/.test(rest))).to.equal(false);
  });

  it("names its base image by a version, and one that this project runs on", async () => {
    const base = /^ARG NODE_IMAGE=(.+)$/m.exec(await read("Dockerfile"))?.[1] ?? "";
    const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    expect(base).to.match(/^node:\d+\.\d+\.\d+-/);
    expect(base.split("-")[0]).to.equal(`node:${devDependencies.node}`);
  });

  it("runs programs that are there, on packages that an installation for production has", async () => {
    const command = instructionsOf(await read("Dockerfile")).find(([name]) => name === "CMD")?.[1] ?? "[]";
    const program = (JSON.parse(command) as string[]).at(-1) ?? "";
    expect(existsSync(join(root, program)), program).to.equal(true);
    const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const imported = packagesBelow([program, "attestation/service/main.ts"]);
    expect(imported.size).to.be.greaterThan(10);
    expect([...imported].filter((name) => !(name in dependencies))).to.deep.equal([]);
  });

  it("asks itself whether it lives, and hears no where nothing answers, or badly", async () => {
    let status = 200;
    const server = createServer((_, response) => response.writeHead(status).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const ask = async () => {
      const child = spawn(process.execPath, [join(deploy, "healthcheck.js")], { env: { AFFIANT_PORT: String(port) } });
      const [code] = (await once(child, "exit")) as [number];
      return code;
    };
    expect(await ask()).to.equal(0);
    status = 503;
    expect(await ask()).to.equal(1);
    server.close();
    expect(await ask()).to.equal(1);
  });

  it("leaves keys, settings and what was built here out of what is sent to the builder", async () => {
    const ignored = (await readFile(join(root, ".dockerignore"), "utf8")).split("\n");
    expect(ignored).to.include.members([".git", "**/node_modules", "data", ".env", ".env.*"]);
  });
});

/** Packages that programs import, through all files of ours, types apart. */
function packagesBelow(programs: readonly string[]): ReadonlySet<string> {
  const script = `
    import { build } from "esbuild";
    const { metafile } = await build({ entryPoints: JSON.parse(process.argv[1]), bundle: true, write: false, outdir: "out",
      metafile: true, platform: "node", format: "esm", packages: "external", logLevel: "error" });
    const names = new Set();
    for (const { imports } of Object.values(metafile.outputs)) for (const { path, external } of imports) {
      if (!external || path.startsWith("node:") || path.startsWith(".")) continue;
      names.add(path.startsWith("@") ? path.split("/").slice(0, 2).join("/") : path.split("/")[0]);
    }
    console.log(JSON.stringify([...names]));`;
  const arguments_ = ["--input-type=module", "-e", script, JSON.stringify(programs)];
  return new Set(JSON.parse(execFileSync(process.execPath, arguments_, { cwd: root, encoding: "utf8" })) as string[]);
}

describe("deploy: compose", () => {
  let compose: Compose;

  before(async () => {
    compose = parse(await read("compose.yaml"), { merge: true }) as Compose;
  });

  it("opens the proxy to the world, and nothing else", () => {
    const open = Object.entries(compose.services).filter(([, { ports = [] }]) =>
      ports.some((port) => !port.startsWith("127.0.0.1:")),
    );
    expect(open.map(([name]) => name)).to.deep.equal(["proxy"]);
  });

  it("takes every right from every service, and names its images by version", () => {
    for (const [name, { cap_drop, image }] of Object.entries(compose.services)) {
      expect(cap_drop, name).to.deep.equal(["ALL"]);
      if (image !== "affiant") expect(image, name).to.match(/:v?\d+\.\d+/);
    }
  });

  it("uses settings that the relayer reads, volumes and services that are there, and files of this folder", () => {
    const known = new Set([...relayerSettings().map(({ name }) => name), "AFFIANT_ROLE"]);
    for (const name of ["relayer", "worker"]) {
      for (const setting of Object.keys(compose.services[name]?.environment ?? {}))
        expect([...known]).to.include(setting);
    }
    for (const [name, { volumes = [], depends_on = {} }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const source = volume.split(":")[0] ?? "";
        if (source.startsWith("$")) continue;
        if (source.startsWith(".")) expect(existsSync(join(deploy, source)), `${name}: ${source}`).to.equal(true);
        else expect(Object.keys(compose.volumes), name).to.include(source);
      }
      expect(Object.keys(compose.services), name).to.include.members(Object.keys(depends_on));
    }
  });

  it("gives the relayer a Redis that forgets nothing, which it would refuse otherwise", () => {
    const words = compose.services.redis?.command?.join(" ") ?? "";
    expect(words).to.contain("--appendonly yes").and.to.contain("--maxmemory-policy noeviction");
  });

  it("asks for each value that it needs, and the example has them and no others", async () => {
    const asked = [...(await read("compose.yaml")).matchAll(/\$\{([A-Z_]+)[:}]/g)].map(([, name]) => name);
    const example = [...(await read("compose.env.example")).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect([...new Set(asked)].sort()).to.deep.equal([...example].sort());
  });

  it("has Prometheus ask every process that serves metrics, under the job's name that the alerts know", async () => {
    const { scrape_configs } = parse(await read("prometheus/prometheus.yml")) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const [job] = scrape_configs;
    expect(job?.static_configs[0]?.targets.map((target) => target.split(":")[0])).to.deep.equal(["relayer", "worker"]);
    expect(await readFile(join(root, "relayer/alerts.yml"), "utf8")).to.contain(`job="${job?.job_name}"`);
  });
});

describe("deploy: units of systemd", () => {
  const units = readdirSync(join(deploy, "systemd"));

  it("start programs that are there", async () => {
    expect(units).to.have.lengthOf(3);
    for (const unit of units) {
      const program = /^ExecStart=\S+ .*?(\S+\.ts)$/m.exec(await read(`systemd/${unit}`))?.[1] ?? "";
      expect(existsSync(join(root, program)), `${unit}: ${program}`).to.equal(true);
    }
  });

  it("are what systemd takes, and leave a process few rights", function () {
    if (!isThere("systemd-analyze")) return this.skip();
    for (const unit of units) {
      const path = join(deploy, "systemd", unit);
      // A program of another path than this machine's is the one complaint that says nothing about the unit.
      const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
      const complaints = stderr
        .split("\n")
        .filter((line) => line.includes(unit) && !line.includes("is not executable"));
      expect(complaints, unit).to.deep.equal([]);
      const audit = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", path]);
      expect(audit.status, unit).to.equal(0);
    }
  });
});
