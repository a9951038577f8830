/** One committed file that is written from a source of truth. A generator returns them and writes nothing itself. */
export interface GeneratedFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export type Generator = () => readonly GeneratedFile[] | Promise<readonly GeneratedFile[]>;
