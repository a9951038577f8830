/** All of the package that works in browsers. */
export * from "./auditor.ts";
export * from "./protocol.ts";
