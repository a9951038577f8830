/** All of the package under one name: for Node. In browsers it is `browser.ts`, without what needs keys on a disk. */
export * from "./agent.ts";
export * from "./auditor.ts";
export * from "./protocol.ts";
