import { expect } from "chai";

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { request } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { tempFolders } from "../helpers/tempFolder.ts";

const deploy = join(import.meta.dirname, "../../deploy");
const isThere = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Says what reached it, and sends one event of a stream that it never ends. */
function upstream(): Server {
  return createServer((asked, response) => {
    if (asked.url === "/v1/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: checkpoint\ndata: {}\n\n");
      return;
    }
    asked.resume().on("end", () => response.end(JSON.stringify({ path: asked.url, headers: asked.headers })));
  });
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

interface Proxy {
  readonly program: string;
  /** How the test ends it. */
  readonly end: NodeJS.Signals;
  /** What it answers to a body beyond its bound. */
  readonly tooLarge: readonly number[];
  /** @returns the command that runs it in the foreground, its files in the folder */
  readonly prepare: (folder: string, port: number, upstreamPort: number) => Promise<readonly string[]>;
}

/** The very file that is handed out; ports, certificate and the folders of a machine are what is set in it. */
const nginx: Proxy = {
  program: "nginx",
  end: "SIGTERM",
  tooLarge: [413],
  async prepare(folder, port, upstreamPort) {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const subject = [
      "-subj",
      "/CN=relayer.example",
      "-days",
      "2",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
    ];
    execFileSync("openssl", ["req", "-x509", "-nodes", "-keyout", key, "-out", certificate, ...subject], {
      stdio: "ignore",
    });
    const conf = (await readFile(join(deploy, "nginx/affiant.conf"), "utf8"))
      .replace("127.0.0.1:8787", `127.0.0.1:${upstreamPort}`)
      .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
      .replace("/etc/ssl/affiant/fullchain.pem", certificate)
      .replace("/etc/ssl/affiant/privkey.pem", key);
    await writeFile(join(folder, "affiant.conf"), conf);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    await writeFile(
      join(folder, "nginx.conf"),
      `user root; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
      events {} http { access_log off; ${paths.join(" ")} include ${folder}/affiant.conf; }`,
    );
    return ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")];
  },
};

const caddy: Proxy = {
  program: "caddy",
  end: "SIGKILL", // an orderly end waits for what is open
  tooLarge: [413, 502], // 2.6, which Debian has, says of a body that was cut off that the relayer failed
  async prepare(folder, port, upstreamPort) {
    const file = await readFile(join(deploy, "caddy/Caddyfile"), "utf8");
    // A certificate of its own: no authority is asked in a test.
    const options = `{
	admin off
	auto_https disable_redirects
	skip_install_trust
	local_certs
	storage file_system ${folder}/caddy
`;
    await writeFile(
      join(folder, "Caddyfile"),
      file
        .replace(/^\{\n/m, options)
        .replace("{$AFFIANT_PUBLIC_NAME}", `relayer.example:${port}`)
        .replace(/\{\$AFFIANT_UPSTREAM[^}]*\}/, `127.0.0.1:${upstreamPort}`),
    );
    return ["caddy", "run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
  },
};

for (const { program, end, tooLarge, prepare } of [nginx, caddy]) {
  describe(`deploy: behind ${program}`, () => {
    const temporaryFolder = tempFolders();
    let server: Server;
    let proxy: ChildProcess;
    let port: number;

    function ask(path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<IncomingMessage> {
      return new Promise((resolve, reject) => {
        const to = { host: "127.0.0.1", port, path, servername: "relayer.example", rejectUnauthorized: false };
        const method = body ? "POST" : "GET";
        const asked = request({ ...to, method, headers: { host: "relayer.example", ...headers } }, resolve);
        asked.on("error", reject);
        asked.end(body);
      });
    }

    async function answer(response: IncomingMessage): Promise<string> {
      let text = "";
      for await (const piece of response.setEncoding("utf8")) text += String(piece);
      return text;
    }

    before(async function () {
      if (!isThere(program) || !isThere("openssl")) return this.skip();
      const folder = await temporaryFolder();
      server = upstream().listen(0, "127.0.0.1");
      await once(server, "listening");
      port = await freePort();
      await mkdir(join(folder, "home"));
      const [command = "", ...rest] = await prepare(folder, port, (server.address() as AddressInfo).port);
      const environment = { PATH: process.env.PATH, HOME: join(folder, "home") };
      proxy = spawn(command, rest, { env: environment, stdio: "ignore" });
      for (;;) {
        if (proxy.exitCode !== null) throw new Error(`${program} ended with ${proxy.exitCode}`);
        const isUp = await ask("/healthz").then(
          (response) => (response.resume(), response.statusCode === 200),
          () => false,
        );
        if (isUp) break;
        await sleep(20);
      }
    });

    after(async () => {
      if (proxy && proxy.exitCode === null) {
        proxy.kill(end);
        await once(proxy, "exit");
      }
      server?.closeAllConnections();
      server?.close();
    });

    it("passes on what is meant for everybody", async () => {
      for (const path of ["/healthz", "/v1/log", "/v1/log/checkpoint?x=1", "/metricsx"]) {
        expect((JSON.parse(await answer(await ask(path))) as { path: string }).path).to.equal(path);
      }
    });

    it("keeps /metrics and /readyz in, however they are spelled", async () => {
      const spelled = [
        "/metrics",
        "/metrics/",
        "/readyz",
        "/readyz?verbose",
        "/%6detrics",
        "//metrics",
        "/v1/../readyz",
      ];
      for (const path of spelled) {
        const response = await ask(path);
        response.resume();
        expect(response.statusCode, path).to.equal(404);
      }
    });

    it("hands events on as they come, before the stream ends", async () => {
      const response = await ask("/v1/events");
      const [piece] = (await once(response.setEncoding("utf8"), "data")) as [string];
      expect(piece).to.contain("event: checkpoint");
      response.destroy();
    });

    it("says for whom it forwards, and nothing of what the client made up", async () => {
      const response = await ask("/v1/log", { "x-forwarded-for": "203.0.113.7" });
      const { headers } = JSON.parse(await answer(response)) as { headers: Record<string, string> };
      expect(headers).to.include({ "x-forwarded-for": "127.0.0.1", host: "relayer.example" });
    });

    it("takes a body as large as the relayer does, and none that is larger", async () => {
      const statusOf = async (bytes: number) => {
        const response = await ask("/v1/entries:batch", {}, Buffer.alloc(bytes));
        response.resume();
        return response.statusCode;
      };
      expect(await statusOf(1_048_576)).to.equal(200);
      expect(tooLarge).to.include(await statusOf(1_048_577));
    });
  });
}
