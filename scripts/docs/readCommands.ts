/** One command of a guide, as its reader would type it. */
export interface GuideCommand {
  /** Relative to the repository. */
  readonly file: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * The commands in a document's `sh` blocks. A command goes on where a quote is open or its line ends with a backslash; a
 * comment at its end is not part of it.
 */
export function readCommands(file: string, markdown: string): readonly GuideCommand[] {
  const commands: GuideCommand[] = [];
  const lines = markdown.split("\n");
  let inBlock = false;
  let open: GuideCommand | undefined;
  for (const [i, line] of lines.entries()) {
    if (/^\s*```/.test(line)) {
      inBlock = !inBlock && /^\s*```(?:sh|bash|shell)\s*$/.test(line);
      continue;
    }
    if (!inBlock) continue;
    const text: string = open ? `${open.text}\n${line}` : line;
    const command = { file, line: open?.line ?? i + 1, text };
    open = isOpen(text) ? command : undefined;
    const finished = withoutComment(text).trim();
    if (!open && finished !== "") commands.push({ ...command, text: finished });
  }
  return commands;
}

function isOpen(text: string): boolean {
  return text.endsWith("\\") || (withoutComment(text).match(/'/g)?.length ?? 0) % 2 === 1;
}

/** Without a `# …` that stands outside of quotes. */
function withoutComment(text: string): string {
  const found = /^((?:[^#'"]|'[^']*'|"[^"]*"|(?<=\S)#)*?)(?:(?:^|\s)#.*)?$/s.exec(text);
  return found?.[1] ?? text;
}
