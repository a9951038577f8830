import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** IANA's IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771) and what is reserved (RFC 1112 §4). */
const specialIpv4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** What is not for the public of 2000::/3, the only part of IPv6 that is given out (RFC 4291 §2.4, RFC 6890). */
const specialIpv6: readonly (readonly [string, number])[] = [
  ["2001::", 23], // IETF protocols: Teredo, ORCHID, benchmarking
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4: an IPv4 address in disguise
  ["3fff::", 20],
];

const special = new BlockList();
for (const [net, prefix] of specialIpv4) special.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of specialIpv6) special.addSubnet(net, prefix, "ipv6");
const given = new BlockList();
given.addSubnet("2000::", 3, "ipv6");

/**
 * Whether an address is one of the public Internet: neither of this machine nor of its network, nor reserved. An IPv6
 * address that carries an IPv4 one (mapped, RFC 4291 §2.5.5.2; NAT64, RFC 6052) is what that one is.
 * @param address in any textual form, without brackets; false for what is no address
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  if (!isIPv6(address)) return false;
  const groups = groupsOf(address);
  const carried = carriedIpv4(groups);
  if (carried !== undefined) return isPublicAddress(carried);
  const plain = groups.map((group) => group.toString(16)).join(":");
  return given.check(plain, "ipv6") && !special.check(plain, "ipv6");
}

/** Whether a host of a URL is this machine by its very name: `localhost`, 127.0.0.0/8, `::1`, also mapped. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const address = isIPv6(name) ? (carriedIpv4(groupsOf(name)) ?? name) : name;
  if (isIPv4(address)) return address.startsWith("127.");
  return isIP(address) === 6 && groupsOf(address).every((group, i) => group === (i === 7 ? 1 : 0));
}

/** The eight groups of an IPv6 address, zone left out. */
export function groupsOf(address: string): readonly number[] {
  const [bare = ""] = address.split("%");
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  const text = dotted ? bare.slice(0, dotted.index) + hexOf(dotted.slice(1).map(Number)) : bare;
  const [head = "", tail] = text.split("::");
  const start = numbersOf(head);
  const end = numbersOf(tail ?? "");
  const gap = tail === undefined ? [] : Array<number>(8 - start.length - end.length).fill(0);
  return [...start, ...gap, ...end];
}

function hexOf([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string {
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function numbersOf(text: string): readonly number[] {
  return text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
}

function carriedIpv4(groups: readonly number[]): string | undefined {
  const starts = (...start: readonly number[]) => start.every((group, i) => groups[i] === group);
  const mapped = starts(0, 0, 0, 0, 0, 0xffff) || starts(0, 0, 0, 0, 0xffff, 0);
  const nat64 = starts(0x64, 0xff9b, 0, 0, 0, 0);
  if (!mapped && !nat64) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
