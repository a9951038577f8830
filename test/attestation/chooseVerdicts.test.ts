import { expect } from "chai";

import { chooseFirst, chooseFresh, type Seat } from "../../attestation/service/chooseVerdicts.ts";
import { type AttestationResult, attestationResults } from "../../protocol/attestation/types.ts";

const results: Record<string, AttestationResult> = { p: "pass", f: "fail", t: "timeout", ".": "none" };

/** One letter a seat: p, f, t verdicts at hand; `.` none. Capitals: what is on chain. */
function seats(text: string): Seat[] {
  return [...text].map((letter, i): Seat => {
    const result = results[letter];
    const verdict = result &&
      result !== "none" && {
        verifier: `${i}`,
        result: attestationResults.indexOf(result),
        attempts: 1,
        evidenceHash: "0x00" as const,
        signature: "0x00" as const,
        evidence: null,
      };
    return { verifier: `${i}`, verdict: verdict || undefined };
  });
}

const onChain = (text: string): AttestationResult[] =>
  [...text].map((letter) => (letter >= "A" && letter <= "Z" ? (results[letter.toLowerCase()] ?? "none") : "none"));

function chosen(choice: ReturnType<typeof chooseFirst>): string {
  if (choice.kind === "wait") return `wait ${choice.ask.join("")}`;
  const what = choice.kind === "record" && !choice.decides ? "save" : choice.kind;
  return `${what} ${choice.verdicts.map(({ verifier }) => verifier).join("")}`;
}

describe("attestation/service: which verdicts are sent", () => {
  // Seats close in block 25, the next ones in 50; a third of that before, what is at hand goes on chain.
  const first: [drawn: string, block: number, expected: string][] = [
    ["....", 2, "wait 012"],
    ["ppp.", 2, "record 012"],
    ["pp..", 2, "wait 2"],
    ["pp..", 18, "save 01"],
    ["PPp.", 18, "record 2"],
    ["PP.......", 25, "wait 34"],
    ["PP.pp....", 25, "record 34"],
    ["PP.p.....", 25, "wait 4"],
    ["PP.p.....", 45, "save 3"],
    [".........", 25, "wait 345678"],
    ["f..", 2, "record 0"],
    ["pf.p", 2, "record 01"],
    ["pf.p", 30, "service 3"],
    ["ptp......", 2, "wait 345"],
    ["ptpppp...", 2, "record 012345"],
    ["tttttt...", 2, "record 012345"],
    ["ttt......", 2, "wait 345678"],
    ["tt", 2, "record 01"],
    ["PPP"[0] + "t", 2, "service 1"],
    ["T.", 25, "service "],
    ["", 2, "service "],
  ];
  for (const [drawn, block, expected] of first) {
    it(`panel ${drawn || "of nobody"} in block ${block} -> ${expected}`, () => {
      const time = { block, silentFrom: 25, silenceDelay: 25 };
      const candidates = Math.min(16, drawn.length);
      expect(chosen(chooseFirst(seats(drawn), { candidates, known: onChain(drawn), time }))).to.equal(expected);
    });
  }

  const fresh: [drawn: string, block: number, expected: string][] = [
    ["ppf.....", 2, "wait 34567"],
    ["ppffff..", 2, "wait 67"],
    ["ppffff.f", 2, "record 3457"],
    ["ppffffff", 2, "record 34567"],
    ["ppfffpff", 2, "record 34567"],
    ["ppfff.ff", 18, "record 3467"],
    ["ppffff..", 18, "save 345"],
    ["ppfFFF..", 25, "record "],
    ["ppff", 2, "service 3"],
    ["ppf", 2, "service "],
  ];
  for (const [drawn, block, expected] of fresh) {
    it(`five fresh ones: ${drawn} in block ${block} -> ${expected}`, () => {
      const state = {
        candidates: drawn.length,
        fit: drawn.length,
        panel: [],
        consulted: 3,
        passedOver: 0,
        known: onChain(drawn).slice(3),
        time: { block, silentFrom: 25, silenceDelay: 25 },
      };
      expect(chosen(chooseFresh(seats(drawn), state))).to.equal(expected);
    });
  }
});
