/**
 * Cedar's extension types read one spelling each, and refuse the whole request for any other. Programs write others: an
 * offset with a colon, six or nine places of a second, `1` for a decimal, `1.5s`. Here each value is read by itself, and
 * written as Cedar wants it; undefined is "no value of this type", which makes one fact unknown and nothing else.
 */
export function cedarTextOf(type: string, text: string): string | undefined {
  if (text.length > maxChars) return undefined;
  switch (type) {
    case "datetime":
      return datetimeText(text);
    case "decimal":
      return decimalText(text);
    case "duration":
      return durationText(text);
    case "ip":
      return ipText(text);
    default:
      return undefined;
  }
}

const maxChars = 128;
const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

const datePattern = /^(\d{4})-(\d\d)-(\d\d)$/;
const timePattern = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)$/;

/**
 * RFC 3339 (with its offset, up to nine places of a second), a bare date, and an offset without colon or minutes as
 * strftime and PostgreSQL write it. Cedar counts milliseconds; what is finer is cut off. A time without offset would be
 * another instant on another machine and is none.
 */
function datetimeText(text: string): string | undefined {
  if (datePattern.test(text)) return isDate(text) ? text : undefined;
  const [whole, date = "", hour = "", minute = "", second = "", fraction = "", , sign = "+", hours = "00", minutes] =
    timePattern.exec(text) ?? [];
  if (whole === undefined || !isDate(date)) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(hours) > 23 || Number(minutes ?? 0) > 59) return undefined;
  const millis = `${fraction}000`.slice(0, 3);
  return `${date}T${hour}:${minute}:${second}.${millis}${sign}${hours}${minutes ?? "00"}`;
}

function isDate(text: string): boolean {
  const [, year, month, day] = datePattern.exec(text) ?? [];
  const m = Number(month);
  if (m < 1 || m > 12) return false;
  const leap = Number(year) % 4 === 0 && (Number(year) % 100 !== 0 || Number(year) % 400 === 0);
  const days = m === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(m) ? 30 : 31;
  return Number(day) >= 1 && Number(day) <= days;
}

/** Any finite decimal numeral, an exponent too, whose value has at most four decimal places and fits 64 bits. */
function decimalText(text: string): string | undefined {
  const [, minus, whole = "", point = "", onlyPoint = "", power = "0"] =
    /^(?:(-)|\+)?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3}))?$/.exec(text) ?? [];
  const places = point + onlyPoint;
  if (whole + places === "") return undefined;
  // value = digits × 10^-scale
  const digits = (whole + places).replace(/^0+(?=\d)/, "");
  const scale = places.length - Number(power);
  let scaled = BigInt(digits);
  if (scale <= 4) {
    scaled *= 10n ** BigInt(Math.min(4 - scale, 1100));
  } else {
    const divisor = 10n ** BigInt(scale - 4);
    if (scaled % divisor !== 0n) return undefined;
    scaled /= divisor;
  }
  if (minus !== undefined) scaled = -scaled;
  if (scaled < int64.least || scaled > int64.most) return undefined;
  const size = (scaled < 0n ? -scaled : scaled).toString().padStart(5, "0");
  const tail = size.slice(-4).replace(/0{1,3}$/, "");
  return `${scaled < 0n ? "-" : ""}${size.slice(0, -4)}.${tail}`;
}

const secondMs = 1000n;
const minuteMs = 60n * secondMs;
const hourMs = 60n * minuteMs;
const dayMs = 24n * hourMs;

/**
 * Cedar's own form and Go's (`1h2m3.5s`, `150ms`), ISO 8601 with days at most (`P1DT2H3.5S`), and Python's
 * `1 day, 2:03:04.5`. Cedar counts milliseconds; what is finer is cut off.
 */
function durationText(text: string): string | undefined {
  const parts = goDuration(text) ?? isoDuration(text) ?? pythonDuration(text);
  if (parts === undefined) return undefined;
  const [negative, millis] = parts;
  const signed = negative ? -millis : millis;
  if (signed < int64.least || signed > int64.most) return undefined;
  return `${signed}ms`;
}

type Signed = readonly [negative: boolean, millis: bigint];

function goDuration(text: string): Signed | undefined {
  const match =
    /^([+-]?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)(?:\.(\d{1,9}))?s)?(?:(\d+)(?:\.\d{1,6})?ms)?$/.exec(text);
  if (/^[+-]?\d+(\.\d{1,3})?(µs|μs|us|ns)$/.test(text)) return subMillis(text);
  if (!match || !/\d/.test(text)) return undefined;
  const [, sign, days = 0, hours = 0, minutes = 0, seconds = 0, fraction = "", millis = 0] = match;
  return [sign === "-", sumOf(days, hours, minutes, seconds, fraction) + BigInt(millis)];
}

/** Go's shortest durations: less than a millisecond has no place in Cedar's form unless the number is large. */
function subMillis(text: string): Signed {
  const whole = BigInt(/\d+/.exec(text)?.[0] ?? "0");
  return [text.startsWith("-"), whole / (text.endsWith("ns") ? 1_000_000n : 1000n)];
}

function isoDuration(text: string): Signed | undefined {
  const match = /^([+-]?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,9}))?S)?)?$/.exec(text);
  if (!match || !/\d[DHMS]$/.test(text)) return undefined;
  const [, sign, days = 0, hours = 0, minutes = 0, seconds = 0, fraction = ""] = match;
  return [sign === "-", sumOf(days, hours, minutes, seconds, fraction)];
}

function pythonDuration(text: string): Signed | undefined {
  const match = /^(?:(-?\d+) days?, )?(\d{1,2}):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  const [, days = "0", hours = 0, minutes = 0, seconds = 0, fraction = ""] = match;
  const millis = BigInt(days) * dayMs + sumOf(0, hours, minutes, seconds, fraction);
  return [millis < 0n, millis < 0n ? -millis : millis];
}

function sumOf(
  days: string | number,
  hours: string | number,
  minutes: string | number,
  seconds: string | number,
  fraction: string,
): bigint {
  const whole = BigInt(days) * dayMs + BigInt(hours) * hourMs + BigInt(minutes) * minuteMs + BigInt(seconds) * secondMs;
  return whole + BigInt(`${fraction}000`.slice(0, 3));
}

/**
 * An address or a range. An IPv4 address that travels in IPv6 (`::ffff:10.0.0.1`, as a dual-stack socket says it) is the
 * IPv4 address: a rule about 10.0.0.0/8 must see it. A port or a zone is no part of an address.
 */
function ipText(text: string): string | undefined {
  const [, address = "", prefix] = /^([0-9A-Fa-f:.]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const v4 = octetsOf(address);
  if (v4) return withPrefix(v4.join("."), prefix, 32);
  const groups = groupsOf(address);
  if (!groups) return undefined;
  const [a = 0, b = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped && (prefix === undefined || Number(prefix) >= 96)) {
    const mapped = [a >> 8, a & 255, b >> 8, b & 255].join(".");
    return withPrefix(mapped, prefix === undefined ? undefined : String(Number(prefix) - 96), 32);
  }
  return withPrefix(groups.map((group) => group.toString(16)).join(":"), prefix, 128);
}

function withPrefix(address: string, prefix: string | undefined, most: number): string | undefined {
  if (prefix === undefined) return address;
  return Number(prefix) <= most ? `${address}/${prefix}` : undefined;
}

function octetsOf(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return parts.map(Number);
}

/** RFC 4291 section 2.2: eight groups, one run of zeros as `::`, the last two as IPv4. */
function groupsOf(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const sides = halves.map((half, index) => sideOf(half, index === halves.length - 1));
  const [left, right] = sides;
  if (!left || (halves.length === 2 && !right)) return undefined;
  if (!right) return left.length === 8 ? left : undefined;
  const missing = 8 - left.length - right.length;
  return missing >= 1 ? [...left, ...Array<number>(missing).fill(0), ...right] : undefined;
}

function sideOf(text: string, isLast: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const v4 = isLast ? octetsOf(parts.at(-1) ?? "") : undefined;
  const hex = v4 ? parts.slice(0, -1) : parts;
  if (!hex.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part))) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = v4 ?? [];
  return [...hex.map((part) => Number.parseInt(part, 16)), ...(v4 ? [a * 256 + b, c * 256 + d] : [])];
}
