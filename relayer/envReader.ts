import proxyaddr from "proxy-addr";

export type Env = Readonly<Record<string, string | undefined>>;

/** A setting as an operator meets it: what docs/relayer.md and .env.example are held to. */
export interface Setting {
  readonly name: string;
  /** What stands in for a variable that is not set; undefined: it must be set; "": off. */
  readonly fallback: string | undefined;
}

/** Reads one environment; remembers every complaint so that an operator sees all of them at once. */
export class EnvReader {
  readonly complaints: string[] = [];
  readonly settings: Setting[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  text(name: string, fallback?: string): string {
    this.settings.push({ name, fallback });
    const value = this.#env[name]?.trim();
    if (value) return value;
    if (fallback === undefined) this.complaints.push(`${name} is not set`);
    return fallback ?? "";
  }

  whole(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      this.complaints.push(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
      return fallback;
    }
    return value;
  }

  decimal(name: string, fallback: number, max: number): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > max) {
      this.complaints.push(`${name} must be a number above 0 and up to ${max}, not "${text}"`);
      return fallback;
    }
    return value;
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(name, fallback);
    const value = choices.find((choice) => choice === text);
    if (value === undefined) this.complaints.push(`${name} must be one of ${choices.join(", ")}, not "${text}"`);
    return value ?? fallback;
  }

  /** Separated by commas; none if it is not set. */
  list(name: string): readonly string[] {
    const items = split(this.text(name, ""));
    if (new Set(items).size !== items.length) this.complaints.push(`${name} names something twice`);
    return items;
  }

  /** IP addresses and networks (`10.0.0.0/8`), or proxy-addr's names for some: loopback, linklocal, uniquelocal. */
  networks(name: string): readonly string[] {
    const networks = this.list(name);
    for (const network of networks) {
      try {
        proxyaddr.compile(network);
      } catch {
        this.complaints.push(`${name} holds something that is no address or network: "${network}"`);
      }
    }
    return networks;
  }

  hostNames(name: string): readonly string[] {
    const names = this.list(name);
    const wrong = names.find((host) => !/^[a-z0-9.-]+$/i.test(host));
    if (wrong !== undefined) this.complaints.push(`${name} holds something that is no host name: "${wrong}"`);
    return names;
  }

  urls(name: string): readonly string[] {
    const urls = split(this.text(name));
    for (const url of urls) this.#checkScheme(name, url, ["http:", "https:"]);
    return urls;
  }

  /** @returns undefined where it is not set */
  url(name: string, schemes: readonly string[]): string | undefined {
    const url = this.text(name, "");
    if (url !== "") this.#checkScheme(name, url, schemes);
    return url || undefined;
  }

  /** `key=value,key=value`, values percent-encoded (the form of OpenTelemetry); they may be secret and are never repeated. */
  pairs(name: string): Readonly<Record<string, string>> {
    const pairs = this.text(name, "")
      .split(",")
      .filter((pair) => pair.trim() !== "")
      .map((pair) => /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=(.*)$/.exec(pair));
    if (pairs.includes(null)) this.complaints.push(`${name} must be key=value pairs with commas in between`);
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", decode(pair?.[2] ?? "")]));
  }

  origin(name: string, fallback: string): string {
    const origin = this.text(name, fallback);
    if (!/^[!-*,-~]{1,128}$/.test(origin) || origin.includes("://")) {
      this.complaints.push(`${name} must be a schema-less URL such as log.example/agents, without blanks or "+"`);
    }
    return origin;
  }

  /** The address may carry an access token or a password: the complaint must not repeat it. */
  #checkScheme(name: string, url: string, schemes: readonly string[]): void {
    const scheme = URL.canParse(url) ? new URL(url).protocol : "";
    if (schemes.includes(scheme)) return;
    this.complaints.push(`${name} holds something that is no ${schemes.map((s) => `${s}//`).join(" or ")} URL`);
  }
}

function split(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return text.trim();
  }
}
