/** Tools of the Vercel AI SDK, judged and on record: for Node. */
export { wrapTools } from "../adapters/frameworks/ai.ts";
export { CallRefused, type WrapOptions } from "../adapters/frameworks/toolRecorder.ts";
export { openAgent } from "../agent/openAgent.ts";
