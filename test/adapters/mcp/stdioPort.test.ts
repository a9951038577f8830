import { PassThrough } from "node:stream";

import { expect } from "chai";

import { LinePort } from "../../../adapters/mcp/stdioPort.ts";

describe("adapters/mcp LinePort", () => {
  it("keeps a message on one line, whatever a reader takes for the end of one", async () => {
    const output = new PassThrough();
    const port = new LinePort(new PassThrough(), output);
    const inner = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete_all"}}`;
    for (const end of ["\r", "\n", "\r\n"]) await port.send(`{"params":{"x":${end}${inner}${end}}}`);
    const lines = (output.read() as Buffer).toString("utf8").split(/\r\n|\r|\n/);
    expect(lines.filter((line) => line.trim() === inner)).to.deep.equal([]);
    expect(lines).to.have.length(4);
    expect(JSON.parse(lines[0] as string)).to.deep.equal({ params: { x: JSON.parse(inner) as unknown } });
  });
});
