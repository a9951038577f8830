/** Tools of Mastra, judged and on record: for Node. */
export { wrapTools } from "../adapters/frameworks/mastra.ts";
export { CallRefused, type WrapOptions } from "../adapters/frameworks/toolRecorder.ts";
export { openAgent } from "../agent/openAgent.ts";
