import { isLoopbackHost } from "../fetch/publicAddress.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface HostCheckOptions {
  /** The address that the server listens on. Only one on the loopback interface is held to its name. */
  readonly host: string;
  /** Names under which a proxy on this machine passes requests on, such as `relayer.example`; without a port. */
  readonly names?: readonly string[];
}

/** What a request says of where it goes and where it comes from. */
export interface Addressed {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/** @throws AffiantError ERR_AUTH_HOST, ERR_AUTH_ORIGIN */
export type HostCheck = (headers: Addressed) => void;

/**
 * For a server on the loopback interface: a page in the browser of this machine can have its own name point at 127.0.0.1
 * (DNS rebinding) and is then the server's own origin. It cannot change the `Host` that its browser sends, so only requests to
 * this machine's own names are served. A server that listens elsewhere is there for others, by whatever name.
 */
export function hostCheck({ host, names = [] }: HostCheckOptions): HostCheck {
  if (!isLoopbackHost(host)) return () => undefined;
  const known = new Set(names.map((name) => name.toLowerCase()));
  /** Seen and found good; as few as there are names. */
  const good = new Set<string>();
  return ({ host: sent }) => {
    if (sent !== undefined && good.has(sent)) return;
    const name = hostOf(sent);
    if (name === undefined || !(known.has(name) || isLoopbackHost(name))) {
      throw new AffiantError("ERR_AUTH_HOST", "this server is not known by the name in Host");
    }
    if (good.size < 64) good.add(sent as string);
  };
}

/**
 * For a server that obeys everybody on this machine, as a local chain does: besides, a page of another machine may not ask.
 * Programs send no `Origin`; pages of this machine are taken for its user's own.
 */
export function localOnly(): HostCheck {
  const check = hostCheck({ host: "127.0.0.1" });
  return ({ host, origin }) => {
    check({ host });
    if (origin !== undefined && !isLocalOrigin(origin)) {
      throw new AffiantError("ERR_AUTH_ORIGIN", "no page of another host may ask here");
    }
  };
}

/** `null`, the origin of sandboxed pages and files, is nobody's. */
function isLocalOrigin(origin: string): boolean {
  return URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol) && isLoopbackHost(new URL(origin).hostname);
}

/** The name in `Host`, lower case and without port; undefined for what is none. */
function hostOf(sent: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(sent ?? "");
  return match?.[1]?.toLowerCase();
}
