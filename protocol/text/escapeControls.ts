/**
 * What a reader does not see, and what turns, hides or commands the text around it: control characters (C0, DEL, C1), format
 * characters (bidi, zero-width, tags), line and paragraph separators, lone surrogates, and what fonts leave out (Unicode's
 * Default_Ignorable_Code_Point: fillers, variation selectors).
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}]/gu;

/**
 * A text as it can be shown on a terminal or a page, on one line, whoever wrote it: what is unprintable stands there as
 * `\u001b` or `\u{e0041}`. Applied again it changes nothing.
 */
export function escapeControls(text: string): string {
  return text.replace(unprintable, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/**
 * JSON whose strings have their unprintable characters escaped: it parses to the same value, and can be shown.
 * @param indent blanks a level; then the lines between members are the only control characters
 */
export function toPrintableJson(value: unknown, indent?: number): string {
  // JSON.stringify itself escapes C0 and lone surrogates: a line feed that is left stands between members.
  return JSON.stringify(value, null, indent).replace(unprintable, (char) => (char === "\n" ? char : unitsOf(char)));
}

/** Each UTF-16 unit as JSON escapes it. */
function unitsOf(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
    "",
  );
}
