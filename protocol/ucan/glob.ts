/** A pattern is at most this long in UTF-8, in bytes: no honest one comes near it. */
export const maxPatternBytes = 1024;

/**
 * Whether a text matches a UCAN `like` pattern: `*` stands for zero or more characters, `\*` for a star. Linear in the sum
 * of both lengths, whatever they are: each piece between two wildcards is looked for once, from where the one before it
 * ended (the leftmost place leaves most room for the rest), by Knuth, Morris and Pratt's search, which never goes back.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  const pieces = piecesOf(pattern);
  const first = pieces[0] as string;
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) as string;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    at = endOfFirst(piece, text, at, end);
    if (at < 0) return false;
  }
  return at <= end;
}

/** What stands between the wildcards, with stars unescaped; always at least one, possibly empty. */
function piecesOf(pattern: string): readonly string[] {
  const pieces = [""];
  for (let i = 0; i < pattern.length; i++) {
    const escaped = pattern[i] === "\\" && pattern[i + 1] === "*";
    if (escaped) i += 1;
    if (pattern[i] === "*" && !escaped) pieces.push("");
    else pieces.push((pieces.pop() as string) + (pattern[i] as string));
  }
  return pieces;
}

/** Where the first occurrence of a piece within `text[from, to)` ends; -1 if there is none. */
function endOfFirst(piece: string, text: string, from: number, to: number): number {
  if (piece.length === 0) return from;
  const fallback = fallbackOf(piece);
  let matched = 0;
  for (let i = from; i < to; i++) {
    while (matched > 0 && text[i] !== piece[matched]) matched = fallback[matched - 1] as number;
    if (text[i] === piece[matched]) matched += 1;
    if (matched === piece.length) return i + 1;
  }
  return -1;
}

/** For each prefix of the piece the length of its longest proper prefix that it also ends with. */
function fallbackOf(piece: string): Uint32Array {
  const fallback = new Uint32Array(piece.length);
  let length = 0;
  for (let i = 1; i < piece.length; i++) {
    while (length > 0 && piece[i] !== piece[length]) length = fallback[length - 1] as number;
    if (piece[i] === piece[length]) length += 1;
    fallback[i] = length;
  }
  return fallback;
}
