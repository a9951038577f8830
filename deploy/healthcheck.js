/*
 * Ends with 0 if the process in this container answers /healthz, else with 1. An image without curl has only Node for it.
 */
const port = process.env.AFFIANT_PORT || "8787";

try {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(4000) });
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
