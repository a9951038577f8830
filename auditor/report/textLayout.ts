import { stripVTControlCharacters } from "node:util";

/** Rows with their columns aligned, two blanks apart; the last column is left as long as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - widthOf(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
}

export function indented(lines: readonly string[], by = 2): string[] {
  return lines.map((line) => " ".repeat(by) + line);
}

export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The tail of a DID, enough to tell agents of one report apart at a glance. */
export function short(did: string): string {
  const address = did.slice(did.lastIndexOf(":") + 1);
  return address.length <= 12 ? address : `${address.slice(0, 8)}..${address.slice(-4)}`;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
