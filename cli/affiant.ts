#!/usr/bin/env node
import "./quietWarnings.ts";

const { affiantProgram } = await import("./program.ts");
const program = await affiantProgram(process.argv.slice(2));
await program.parseAsync();
