/**
 * Whether a text matches a UCAN `like` pattern: `*` stands for zero or more characters, `\*` for a star. Linear in the
 * product of both lengths at worst and without a regular expression, so no pattern can be made to run away.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  const tokens = tokensOf(pattern);
  let t = 0;
  let p = 0;
  let star = -1;
  let retryAt = 0;
  while (t < text.length) {
    if (p < tokens.length && tokens[p] === wildcard) {
      star = p;
      retryAt = t;
      p += 1;
    } else if (p < tokens.length && tokens[p] === text[t]) {
      t += 1;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      retryAt += 1;
      t = retryAt;
    } else {
      return false;
    }
  }
  while (tokens[p] === wildcard) p += 1;
  return p === tokens.length;
}

const wildcard = Symbol("*");

function tokensOf(pattern: string): readonly (string | typeof wildcard)[] {
  const tokens: (string | typeof wildcard)[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === "\\" && pattern[i + 1] === "*") {
      tokens.push("*");
      i += 1;
    } else {
      tokens.push(char === "*" ? wildcard : char);
    }
  }
  return tokens;
}
