import { expect } from "chai";

import { chooseFirst, chooseFresh, type Seat } from "../../attestation/service/chooseVerdicts.ts";
import { type AttestationResult, attestationResults } from "../../protocol/attestation/types.ts";

/** One letter a drawn verifier: p, f, t verdicts; `.` not asked; `?` asked and silent; `x` may not verify. */
function seats(text: string): Seat[] {
  const results: Record<string, AttestationResult> = { p: "pass", f: "fail", t: "timeout" };
  return [...text].map((letter, i): Seat => {
    const result = results[letter];
    const verdict = result && {
      verifier: `${i}`,
      result: attestationResults.indexOf(result),
      attempts: 1,
      evidenceHash: "0x00" as const,
      signature: "0x00" as const,
      evidence: null,
    };
    return { verifier: `${i}`, able: letter !== "x", verdict, asked: letter !== "." };
  });
}

function chosen(choice: ReturnType<typeof chooseFirst>): string {
  if (choice.kind === "wait") return `wait ${choice.ask.join("")}`;
  return `${choice.kind} ${choice.verdicts.map(({ verifier }) => verifier).join("")} of ${choice.consulted}`;
}

describe("attestation/service: which verdicts are sent", () => {
  const first: [drawn: string, maySkip: boolean, expected: string][] = [
    ["....", false, "wait 012"],
    ["ppp.", false, "record 012 of 3"],
    ["pp?.", false, "wait 2"],
    ["pp?.", true, "wait 3"],
    ["pp?p", true, "record 013 of 4"],
    ["pp??", true, "service 01 of 4"],
    ["xppp", false, "record 123 of 4"],
    [".f..", false, "record 1 of 2"],
    ["pf.p", false, "record 01 of 2"],
    ["ptp.", false, "wait 3"],
    ["ptpp", false, "record 0123 of 4"],
    ["ttt.", false, "record 012 of 3"],
    ["????", true, "service  of 4"],
  ];
  for (const [drawn, maySkip, expected] of first) {
    it(`panel of three: ${drawn}${maySkip ? ", the silent may be passed over" : ""} -> ${expected}`, () => {
      expect(chosen(chooseFirst(seats(drawn), 3, maySkip))).to.equal(expected);
    });
  }

  const fresh: [drawn: string, maySkip: boolean, expected: string][] = [
    ["ppf.....", false, "wait 34567"],
    ["ppffff..", false, "wait 67"],
    ["ppffff?f", false, "wait 6"],
    ["ppffffff", false, "record 3456 of 7"],
    ["ppfffpff", false, "record 34567 of 8"],
    ["ppfff?ff", true, "record 3467 of 8"],
    ["ppff", false, "service 3 of 4"],
    ["ppf", false, "service  of 3"],
  ];
  for (const [drawn, maySkip, expected] of fresh) {
    it(`five fresh ones: ${drawn}${maySkip ? ", the silent may be passed over" : ""} -> ${expected}`, () => {
      expect(chosen(chooseFresh(seats(drawn), 3, maySkip))).to.equal(expected);
    });
  }
});
