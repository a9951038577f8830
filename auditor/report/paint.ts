/** Emphasis by meaning: a report knows what is good or bad of what it says, and nothing of colours. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const same = (text: string): string => text;

/** None. */
export const plain: Paint = { bold: same, dim: same, good: same, warn: same, bad: same };
