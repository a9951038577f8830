#!/usr/bin/env node
import "./quietWarnings.ts";

const { affiantProgram } = await import("./program.ts");
await affiantProgram().parseAsync();
