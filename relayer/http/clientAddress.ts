import proxyaddr from "proxy-addr";

import { type AddressOf, network } from "./rateLimit.ts";

/**
 * Whose request it is: the other end of the connection, or, where that is a proxy that is trusted, whom it forwarded for
 * (`X-Forwarded-For`, read from the right until an address is not trusted). What anybody else says there is made up.
 * @param trusted addresses and networks of one's own proxies, as `10.0.0.0/8` or `loopback`
 * @throws TypeError for what is no address or network
 */
export function clientAddress(trusted: readonly string[]): AddressOf {
  if (trusted.length === 0) return ({ socket }) => network(socket.remoteAddress ?? "unknown");
  const trust = proxyaddr.compile([...trusted]);
  return (request) => network(proxyaddr(request, trust) ?? "unknown");
}
