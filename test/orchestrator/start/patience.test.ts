import { expect } from "chai";

import { patient } from "../../../orchestrator/start/patience.ts";

describe("orchestrator/start: patience", () => {
  function world(load = 0) {
    const said: string[] = [];
    const alarms = new Set<() => void>();
    let now = 0;
    const inner = {
      begin: (what: string) => void said.push(`begin ${what}`),
      update: () => undefined,
      done: (outcome: string) => void said.push(`done ${outcome}`),
      note: (text: string) => void said.push(text),
    };
    const progress = patient(inner, {
      hint: "See the logs",
      nowMs: () => now,
      busy: () => ({ load, cores: 2 }),
      every: (work) => {
        alarms.add(work);
        return () => void alarms.delete(work);
      },
    });
    const pass = (ms: number) => {
      now += ms;
      for (const alarm of alarms) alarm();
    };
    return { said, progress, pass };
  }

  it("says what is waited for, for how long, how far it is, and where to look", () => {
    const { said, progress, pass } = world();
    progress.begin("The agents attest each other");
    progress.update("3 of 4, order");
    pass(30_000);
    expect(said.at(-1)).to.equal("The agents attest each other: waiting for 30 s (3 of 4, order). See the logs");
    pass(30_000);
    expect(said.at(-1)).to.contain("waiting for 60 s");
  });

  it("names a busy machine as what it may be", () => {
    const { said, progress, pass } = world(17);
    progress.begin("x");
    pass(30_000);
    expect(said.at(-1)).to.contain("this machine is busy (load 17 on 2 cores)");
  });

  it("says nothing of what is done, nor of the stage before", () => {
    const { said, progress, pass } = world();
    progress.begin("a");
    progress.begin("b");
    pass(30_000);
    expect(said.filter((text) => text.includes("waiting"))).to.have.length(1);
    progress.done("b");
    pass(30_000);
    expect(said.filter((text) => text.includes("waiting"))).to.have.length(1);
    progress.begin("c");
    progress.end?.();
    pass(30_000);
    expect(said.filter((text) => text.includes("waiting"))).to.have.length(1);
  });
});
