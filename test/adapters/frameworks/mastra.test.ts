/** Mastra's tools by their shape: the package is too large for every install, and `npm run nightly -- --only mastra` tries it itself. */
import { expect } from "chai";

import { wrapTools } from "../../../sdk/mastra.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { localAgent } from "../localAgent.ts";

class Tool {
  readonly id = "refund";
  readonly #answer = "refunded";
  execute(_input: unknown, _context?: object): Promise<string> {
    return Promise.resolve(this.#answer);
  }
}

describe("adapters/frameworks: Mastra", () => {
  const folder = tempFolders();

  it("enters a call under the agent's thread and call id, and throws what is refused", async () => {
    const local = await localAgent(await folder());
    const { refund } = wrapTools({ refund: new Tool() }, { agent: local.agent });
    expect(refund).to.be.instanceOf(Tool);
    const context = (toolCallId: string) => ({ agent: { toolCallId, threadId: "t" } });
    expect(await refund.execute({ order: 7 }, context("a"))).to.equal("refunded");
    expect(await rejectionCode(refund.execute({ order: 8 }, context("b")))).to.equal("ERR_AUTH_POLICY");
    expect(local.entries().map(({ kind, thread }) => [kind, thread])).to.deep.equal([
      ["act", "t"],
      ["refusal", "t"],
    ]);
    expect(thrownCode(() => wrapTools({ hosted: {} }, { agent: local.agent }))).to.equal("ERR_INPUT_CONFIG");
    local.agent.close();
  });
});
