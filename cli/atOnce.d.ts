export const helpIndexPath: string;
export function answerAtOnce(args: readonly string[]): Promise<boolean>;
export function stampOfCommands(): string;
