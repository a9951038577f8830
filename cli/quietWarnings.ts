/**
 * Node marks node:sqlite as experimental with a warning in every process. People who run a command can do nothing about
 * it, so that one is not shown; all others are. Import this before anything that loads node:sqlite.
 */
const emit = process.emitWarning.bind(process) as (warning: string | Error, ...rest: unknown[]) => void;

process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
  const text = typeof warning === "string" ? warning : warning.message;
  if (!text.startsWith("SQLite is an experimental feature")) emit(warning, ...rest);
};
