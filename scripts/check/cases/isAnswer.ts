/**
 * Whether a line of a case is a server's: a result or an error, however much of methods it speaks inside. A line that is no JSON
 * is told by its words.
 */
export function isAnswer(line: string): boolean {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message !== "object" || message === null || Array.isArray(message)) return false;
    return !("method" in message) && ("result" in message || "error" in message);
  } catch {
    return !/"method"\s*:/.test(line) && /"(?:result|error)"\s*:/.test(line);
  }
}
