/**
 * Where something stands in a text, as editors count: both from 1, columns in characters.
 * @param byteOffset in the text's UTF-8 form, as Cedar counts
 */
export function placeInText(text: string, byteOffset: number): { readonly line: number; readonly column: number } {
  const bytes = new TextEncoder().encode(text).subarray(0, byteOffset);
  const before = new TextDecoder().decode(bytes);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: [...before.slice(lineStart)].length + 1 };
}
