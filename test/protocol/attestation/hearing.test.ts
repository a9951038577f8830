import { expect } from "chai";

import { callSeats, freshOf, hearFresh, hearPanel, seatsOfWord } from "../../../protocol/attestation/hearing.ts";
import type { AttestationResult } from "../../../protocol/attestation/types.ts";

const letters: Record<string, AttestationResult> = { p: "pass", f: "fail", t: "timeout", ".": "none" };
const seats = (text: string) => [...text].map((letter) => letters[letter] ?? "none");
const at = (block: number) => ({ block, silentFrom: 25, silenceDelay: 25 });

describe("protocol/attestation: hearing", () => {
  for (const [known, block, closed, called, needed] of [
    ["", 24, 0, 3, 3],
    ["", 25, 3, 9, 6],
    ["", 50, 9, 21, 12],
    ["pp", 25, 3, 5, 4],
    ["ppp", 49, 3, 3, 3],
    ["pt", 24, 0, 6, 5],
    ["pt", 25, 3, 8, 6],
    ["pp.p", 50, 5, 7, 5],
  ] as const) {
    it(`of "${known}" in block ${block}: ${closed} closed, ${called} called, ${needed} needed`, () => {
      expect(callSeats(seats(known), 3, at(block))).to.deep.equal({ closed, called, needed });
    });
  }

  for (const [known, handed, block, kind] of [
    ["", "ppp", 1, "passed"],
    ["", "pp", 1, "none"],
    ["pp", "..p", 25, "none"],
    ["pp", "...pp", 25, "passed"],
    ["", ".f", 1, "quarantined"],
    ["", "f", 25, "none"],
    ["", "...f", 25, "quarantined"],
    ["", "tttttt", 1, "struck"],
    ["", "tttttp", 1, "none"],
  ] as const) {
    it(`of "${known}" hears "${handed}" in block ${block}: ${kind}`, () => {
      const said = new Map([...seats(handed).entries()].filter(([, result]) => result !== "none"));
      const outcome = hearPanel({ candidates: 16, fit: 16, known: seats(known), handed: said, time: at(block) });
      expect(outcome.kind).to.equal(kind);
    });
  }

  it("lets the service decide only with half of eight or more drawn", () => {
    const panel = (known: string, block: number) =>
      hearPanel({ candidates: 8, fit: 8, known: seats(known), handed: new Map(), service: "pass", time: at(block) });
    expect(panel("ppp.....", 124).kind).to.equal("passed");
    expect(panel("pp.p....", 124)).to.include({ kind: "none", serviceMaySpeak: false });
    expect(panel("pp.p.p..", 124)).to.include({ kind: "passed", serviceMaySpeak: true });
  });

  it("judges a quarantine by who was never called, then by who was called and not heard", () => {
    const quarantine = { candidates: 9, fit: 9, panel: seats("....f"), consulted: 9, passedOver: 3 };
    expect(freshOf(quarantine)).to.deep.equal({ seats: [0, 1, 2, 3, 5], few: false });
    expect(freshOf({ ...quarantine, panel: seats("f"), consulted: 3, passedOver: 0 }).seats).to.deep.equal([
      3, 4, 5, 6, 7,
    ]);
    expect(freshOf({ candidates: 4, fit: 4, panel: seats("f"), consulted: 3, passedOver: 0 })).to.deep.equal({
      seats: [3],
      few: true,
    });
  });

  it("needs four of five either way, and the service with those of a small set", () => {
    const fresh = (known: string, closed = false) =>
      hearFresh({ few: false, count: 5, known: seats(known), handed: new Map(), closed }).kind;
    expect([fresh("ffff"), fresh("pppp"), fresh("fffp"), fresh("fffpp"), fresh("fff", true)]).to.deep.equal([
      "convicted",
      "acquitted",
      "none",
      "undecided",
      "undecided",
    ]);
    const small = { few: true, count: 1, known: seats("f"), handed: new Map(), closed: false };
    expect(hearFresh(small).kind).to.equal("none");
    expect(hearFresh({ ...small, service: "fail" }).kind).to.equal("convicted");
  });

  it("reads two bits a seat", () => {
    expect(seatsOfWord(0b11_10_01n, 4)).to.deep.equal(["pass", "fail", "timeout", "none"]);
  });
});
