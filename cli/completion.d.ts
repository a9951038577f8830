export interface CompletionIndex {
  readonly commands: Readonly<
    Record<string, { readonly words: readonly string[]; readonly options: readonly string[] }>
  >;
}
export function candidates(index: CompletionIndex, words: readonly string[]): string[];
export function completionScript(shell: string): string | undefined;
