import { expect } from "chai";

import { readCommands } from "../../scripts/docs/readCommands.ts";

const textsOf = (markdown: string): readonly string[] => readCommands("a.md", markdown).map(({ text }) => text);

describe("scripts/docs", () => {
  it("reads the commands of sh blocks, and of no others", () => {
    const markdown = "```sh\nnpm start\n```\n\n```ts\nconst a = 1;\n```\n\n    npm test\n\n```bash\nls\n```\n";
    expect(readCommands("a.md", markdown)).to.deep.equal([
      { file: "a.md", line: 2, text: "npm start" },
      { file: "a.md", line: 12, text: "ls" },
    ]);
  });

  it("leaves out comments, and nothing that looks like one inside of a word or of quotes", () => {
    const markdown = "```sh\n# first\nls   # all\ncurl http://a/#b 'x # y' \"p # q\" # why\n\n```\n";
    expect(textsOf(markdown)).to.deep.equal(["ls", `curl http://a/#b 'x # y' "p # q"`]);
  });

  it("joins a command that goes on in the next line", () => {
    expect(textsOf("```sh\ncurl -d '{\n  \"a\": 1 }'\na \\\n  b\n```\n")).to.deep.equal([
      "curl -d '{\n  \"a\": 1 }'",
      "a \\\n  b",
    ]);
  });
});
