import { expect } from "chai";
import fc from "fast-check";

import { isAuthorized } from "../../../protocol/policy/cedar.ts";
import { cedarTextOf } from "../../../protocol/policy/extensionText.ts";

/** What Cedar itself makes of a value, by a policy that compares it; undefined if it cannot read it. */
function cedarSays(condition: string): boolean | undefined {
  const uid = (type: string) => ({ type, id: "a" });
  const answer = isAuthorized({
    principal: uid("Agent"),
    action: uid("Action"),
    resource: uid("System"),
    context: {},
    entities: [],
    policies: { staticPolicies: `permit (principal, action, resource) when { ${condition} };` },
  });
  if (answer.type === "failure" || answer.response.diagnostics.errors.length > 0) return undefined;
  return answer.response.decision === "allow";
}
const call = (type: string, text: string): string => `${type}(${JSON.stringify(text)})`;

/** Left: as programs write it. Right: the same value in Cedar's form. */
const same: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  datetime: [
    ["2026-12-31T00:00:00+00:00", "2026-12-31T00:00:00Z"], // Python: datetime.isoformat()
    ["2026-12-31T00:00:00.123456+00:00", "2026-12-31T00:00:00.123Z"], // Python, microseconds
    ["2026-12-31 01:00:00+01:00", "2026-12-31T00:00:00Z"], // Python: str(datetime)
    ["2026-12-31T00:00:00.000Z", "2026-12-31T00:00:00Z"], // JavaScript: toISOString()
    ["2026-12-31T05:30:00.123456789+05:30", "2026-12-31T00:00:00.123Z"], // Go: RFC3339Nano
    ["2026-12-31T00:00:00.5Z", "2026-12-31T00:00:00.500Z"], // Go: trailing zeros are left out
    ["2026-12-30 19:00:00-05", "2026-12-31T00:00:00Z"], // PostgreSQL
    ["2026-12-30T19:00:00-0500", "2026-12-31T00:00:00Z"], // strftime("%z")
    ["2026-12-31t00:00:00z", "2026-12-31T00:00:00Z"], // RFC 3339, 5.6
    ["2026-12-31T00:00:00-00:00", "2026-12-31T00:00:00Z"],
    ["2026-12-31", "2026-12-31T00:00:00Z"],
  ],
  decimal: [
    ["1", "1.0"],
    ["10.", "10.0"],
    [".5", "0.5"],
    ["0.10000", "0.1"],
    ["1E+2", "100.0"], // Python: str(Decimal("1E+2"))
    ["1e-4", "0.0001"],
    ["-0", "0.0"],
    ["922337203685477.5807", "922337203685477.5807"],
  ],
  duration: [
    ["1h2m3.5s", "1h2m3s500ms"], // Go: Duration.String()
    ["1.5s", "1s500ms"],
    ["150ms", "150ms"],
    ["1.234567ms", "1ms"],
    ["120µs", "0ms"],
    ["-1m0s", "-1m"],
    ["PT1H30M", "1h30m"], // ISO 8601
    ["P1DT2H3M4.5S", "1d2h3m4s500ms"],
    ["1 day, 2:03:04.500000", "1d2h3m4s500ms"], // Python: str(timedelta)
    ["-1 day, 23:59:59", "-1s"],
    ["0:01:30", "90s"],
  ],
  ip: [
    ["::ffff:10.0.0.1", "10.0.0.1"], // a dual-stack socket
    ["::ffff:a00:1", "10.0.0.1"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["2001:DB8::1", "2001:db8:0:0:0:0:0:1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["10.0.0.0/8", "10.0.0.0/8"],
  ],
};

const unreadable: Readonly<Record<string, readonly string[]>> = {
  datetime: [
    "2026-12-31T00:00:00", // no offset: another instant elsewhere
    "2026-02-29",
    "2026-13-01T00:00:00Z",
    "2026-12-31T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-12-31T00:00:00+24:00",
    "2026-12-31T00:00:00.Z",
    "+12026-12-31T00:00:00Z",
    "tomorrow",
    "",
  ],
  decimal: [
    "0.00001",
    "1e-5",
    "1,5",
    "0x10",
    "NaN",
    "Infinity",
    "",
    "-",
    ".",
    "922337203685477.5808",
    "1e999",
    "9".repeat(500),
  ],
  duration: ["", "ms", "1", "1ms2s", "P", "PT", "P1Y", "P1M", "1 fortnight", "99999999999999999999d"],
  ip: [
    "10.0.0.1:443",
    "[::1]",
    "fe80::1%eth0",
    "010.0.0.1",
    "10.0.0.256",
    "10.0.0.1/33",
    "::/129",
    "1::2::3",
    ":::",
    "localhost",
    "",
  ],
};

describe("protocol/policy values of Cedar's extension types", () => {
  for (const [type, pairs] of Object.entries(same)) {
    it(`reads each ${type} as programs write it for what it is`, () => {
      for (const [written, cedar] of pairs) {
        const text = cedarTextOf(type, written);
        expect(text, written).to.be.a("string");
        expect(cedarSays(`${call(type, text as string)} == ${call(type, cedar)}`), written).to.equal(true);
      }
    });
  }

  for (const [type, texts] of Object.entries(unreadable)) {
    it(`takes no ${type} from what is none`, () => {
      for (const text of texts) expect(cedarTextOf(type, text), text).to.equal(undefined);
    });
  }

  it("hands nothing on that Cedar cannot read, and loses nothing that it can", () => {
    const chars = "0123456789:.-+/ TZPDHMSdhmsfae,%".split("");
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...chars), maxLength: 24 }),
      fc.constantFrom(...Object.values(same).flat(2), ...Object.values(unreadable).flat()),
    );
    fc.assert(
      fc.property(fc.constantFrom("datetime", "decimal", "duration", "ip"), text, (type, given) => {
        const own = cedarTextOf(type, given);
        if (own !== undefined) expect(cedarSays(`${call(type, own)} == ${call(type, own)}`), own).to.equal(true);
        // Cedar's own spellings are among those that are read.
        if (cedarSays(`${call(type, given)} == ${call(type, given)}`)) expect(own, given).to.be.a("string");
      }),
      { numRuns: 400 },
    );
  });
});
