import { statSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { makeFolder } from "../../../host/files/makeFolder.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

describe("host: makeFolder", () => {
  const folder = tempFolders();

  it("makes what is missing, for the owner alone, and leaves what is there", async () => {
    const path = join(await folder(), "a/b/c");
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).mode & 0o777).to.equal(0o700);
    expect(statSync(join(path, "..")).mode & 0o777).to.equal(0o700);
  });

  it("ends where no folder can be made", function () {
    if (process.platform !== "linux") return this.skip();
    expect(() => makeFolder("/proc/nothing/a"))
      .to.throw()
      .with.property("code", "ENOENT");
  });
});
