import type { Manifest, MeasuredFile } from "../../protocol/attestation/manifest.ts";

export interface ManifestDifference {
  /** `+` only in the second, `-` only in the first, `~` in both and different. */
  readonly sign: "+" | "-" | "~";
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
}

/** What differs between two measurements, in the order in which a manifest is written. Empty: they measure the same. */
export function diffManifests(before: Manifest, after: Manifest): readonly ManifestDifference[] {
  return [
    ...diffText("platform", before.platform, after.platform),
    ...diffText("command", before.command.join(" "), after.command.join(" ")),
    ...diffMaps("variable", before.environment, after.environment),
    ...diffMaps("file", byPath(before.files), byPath(after.files)),
    ...diffMaps("code in memory of", byAltered(before), byAltered(after)),
    ...diffText("memory compared", String(before.memory.compared), String(after.memory.compared)),
    ...diffText("code without a file", String(before.memory.anonymousCode), String(after.memory.anonymousCode)),
  ];
}

function byPath(files: readonly MeasuredFile[]): Record<string, string> {
  return Object.fromEntries(
    files.map(({ path, role, size, sha256 }) => [
      path,
      sha256 ? `${role}, ${size} bytes, ${sha256.slice(0, 18)}…` : "missing",
    ]),
  );
}

function byAltered({ memory }: Manifest): Record<string, string> {
  return Object.fromEntries(
    memory.altered.map(({ path, offset, why }) => [path, offset === null ? why : `${why} at 0x${offset.toString(16)}`]),
  );
}

function diffText(what: string, before: string, after: string): ManifestDifference[] {
  return before === after ? [] : [{ sign: "~", what, before, after }];
}

function diffMaps(
  what: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): ManifestDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): ManifestDifference[] => {
    const [a, b] = [before[name], after[name]];
    if (a === b) return [];
    if (a === undefined) return [{ sign: "+", what: `${what} ${name}`, after: b }];
    return b === undefined
      ? [{ sign: "-", what: `${what} ${name}`, before: a }]
      : [{ sign: "~", what: `${what} ${name}`, before: a, after: b }];
  });
}
