/** What the auditor's report takes of `node:util`, for a page: text without colours. */
export function styleText(_style: unknown, text: string): string {
  return text;
}

const controlSequences = new RegExp("\\u001b\\[[0-9;]*[A-Za-z]", "g");

export function stripVTControlCharacters(text: string): string {
  return text.replaceAll(controlSequences, "");
}
