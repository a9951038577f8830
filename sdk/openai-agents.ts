/** Tools of OpenAI's Agents SDK, judged and on record: for Node. */
export { wrapTools } from "../adapters/frameworks/openaiAgents.ts";
export { CallRefused, type WrapOptions } from "../adapters/frameworks/toolRecorder.ts";
export { openAgent } from "../agent/openAgent.ts";
