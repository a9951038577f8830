/** `npm run torture [-- <name>] [arguments]`: runs `scripts/torture/<name>.ts`, the relayer's without a name. */
const names = [
  "relayer",
  "log",
  "answers",
  "attestation",
  "escrow",
  "mutations",
  "orchestrator",
  "disk",
  "strangers",
  "gateway",
  "directory",
  "starved",
] as const;

const [first] = process.argv.slice(2);
const name = names.find((known) => known === first);
if (name !== undefined) process.argv.splice(2, 1);
else if (first !== undefined && !/^\d+$/.test(first)) {
  console.error(`usage: npm run torture [-- ${names.join(" | ")}]`);
  process.exit(2);
}
await import(`./${name ?? "relayer"}.ts`);
