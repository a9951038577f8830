import { expect } from "chai";

import { formatAgentHead, parseAgentHead } from "../../../protocol/log/agentHead.ts";
import { parseCheckpoint } from "../../../protocol/log/checkpoint.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const statement = {
  origin: "log.example/shop",
  size: 12,
  root: new Uint8Array(32).fill(1),
  agent: `did:ethr:0x7a69:0x${"11".repeat(20)}`,
  count: 3,
  lastEntryId: `0x${"22".repeat(32)}` as const,
};

describe("statement of an agent's head", () => {
  const text = formatAgentHead(statement);

  it("is seven lines, and reads back", () => {
    expect(text).to.equal(
      `affiant-agent-head/1\nlog.example/shop\n12\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n${statement.agent}\n3\n${statement.lastEntryId}\n`,
    );
    expect(parseAgentHead(text)).to.deep.equal(statement);
    const none = { ...statement, count: 0, lastEntryId: null };
    expect(parseAgentHead(formatAgentHead(none))).to.deep.equal(none);
  });

  it("is no checkpoint", () => {
    expect(thrownCode(() => parseCheckpoint(text))).to.equal("ERR_INPUT_NOTE");
    expect(thrownCode(() => parseAgentHead("log.example/shop\n12\nAQ==\n"))).to.equal("ERR_INPUT_NOTE");
  });

  for (const [what, wrong] of [
    ["another version", text.replace("head/1", "head/2")],
    ["no origin", text.replace("log.example/shop", "")],
    ["a size with a leading zero", text.replace("\n12\n", "\n012\n")],
    ["a root of 31 bytes", text.replace(/AQ.*=/, Buffer.alloc(31, 1).toString("base64"))],
    ["loose bits in the root", text.replace("AQE=\n", "AQF=\n")],
    ["an agent that is no DID", text.replace("did:ethr", "did:web")],
    ["more of the agent's entries than entries", text.replace("\n3\n", "\n13\n")],
    ["a count without its last entry", text.replace(statement.lastEntryId, "none")],
    ["a last entry without a count", text.replace("\n3\n", "\n0\n")],
    ["an upper-case id", text.replace(`0x${"22".repeat(32)}`, `0x${"2A".repeat(32)}`)],
    ["a line more", `${text}more\n`],
    ["no newline at the end", text.slice(0, -1)],
  ] as const) {
    it(`is refused with ${what}`, () => {
      expect(wrong).to.not.equal(text);
      expect(thrownCode(() => parseAgentHead(wrong))).to.equal("ERR_INPUT_NOTE");
    });
  }
});
