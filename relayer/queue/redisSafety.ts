/** The answer of Redis to `INFO`, which also servers that hide their configuration give. */
export type RedisInfo = Readonly<Record<string, string>>;

export function parseInfo(text: string): RedisInfo {
  const pairs = text.split("\n").flatMap((line) => {
    const at = line.indexOf(":");
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/**
 * What makes this Redis forget. The journal holds all that counts, so nothing is lost for good; but each wake that is
 * lost is work that comes late, without a word, and an eviction takes the queue's own bookkeeping apart.
 */
export function redisWeaknesses(info: RedisInfo): readonly string[] {
  const weaknesses: string[] = [];
  if (info["aof_enabled"] !== "1") {
    weaknesses.push("Redis keeps no append-only file: it forgets the queue when it ends (set appendonly yes)");
  }
  const policy = info["maxmemory_policy"] ?? "unknown";
  if (policy !== "noeviction") {
    weaknesses.push(`Redis may evict the queue: maxmemory-policy is ${policy} (set maxmemory-policy noeviction)`);
  }
  return weaknesses;
}
