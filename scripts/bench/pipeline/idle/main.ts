// The lightest agent there can be: it is there, it can be measured, and it does nothing. What is left to measure is what
// the orchestrator, the attestation and the chain cost.
console.log(JSON.stringify({ ready: true }));
process.on("SIGTERM", () => process.exit(0));
setInterval(() => undefined, 1 << 30);
