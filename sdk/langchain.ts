/** Tools of LangChain, judged and on record: for Node. */
export { wrapTools } from "../adapters/frameworks/langchain.ts";
export { CallRefused, type WrapOptions } from "../adapters/frameworks/toolRecorder.ts";
export { openAgent } from "../agent/openAgent.ts";
