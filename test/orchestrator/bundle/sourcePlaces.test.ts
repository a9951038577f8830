import { expect } from "chai";

import { placed } from "../../../orchestrator/bundle/sourcePlaces.ts";

const at = (text: string) => placed(text, "/src/room/file.ts", "/src", { "room/thread.ts": "room-thread.mjs" });

describe("bundles: where source lies", () => {
  it("is written into the text, as folder, file, address and program", () => {
    expect(at("a(import.meta.dirname, import.meta.filename, import.meta.url)")).to.equal(
      'a("/src/room", "/src/room/file.ts", "file:///src/room/file.ts")',
    );
    expect(at("if (import.meta.main) run();")).to.equal("if (false) run();");
  });

  it("leads to the bundle of what is bundled too, and to the source of what is not", () => {
    expect(at('new Worker(new URL("./thread.ts", import.meta.url))')).to.equal(
      'new Worker(new URL("./room-thread.mjs", import.meta.url))',
    );
    expect(at('new URL("./other.ts", import.meta.url)')).to.equal('new URL("./other.ts", "file:///src/room/file.ts")');
  });

  it("leaves the words alone where they are a text, and what else is asked of import.meta", () => {
    for (const text of [
      'define: { "import.meta.url": "x" }',
      "say('import.meta.dirname')",
      'import.meta.resolve("a")',
    ]) {
      expect(at(text)).to.equal(text);
    }
  });
});
