/**
 * The airline's rules a second time, straight from the raw conversations in plain TypeScript: no Cedar, no JSONata, none
 * of the project's transcript reader. What it finds and what the policy finds must be the same calls.
 */
type Value = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- raw JSON of a test

interface Call {
  readonly name: string;
  readonly args: Value;
  /** The result: JSON if it is JSON, else its text. */
  readonly result: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- raw JSON of a test
  readonly spoke: boolean;
  readonly siblings: number;
}

/** Rule → `conversation/call` of each call that breaks it. */
export type Violations = Map<string, string[]>;

const free: Record<string, Record<string, number>> = {
  regular: { basic_economy: 0, economy: 1, business: 2 },
  silver: { basic_economy: 1, economy: 2, business: 3 },
  gold: { basic_economy: 2, economy: 3, business: 3 },
};

export function callsOf(messages: readonly Value[]): Call[] {
  const calls: Call[] = [];
  messages.forEach((message, at) => {
    for (const [nth, call] of (message.tool_calls ?? []).entries()) {
      // In this data the results follow their message in the order of its calls.
      const text: string = messages[at + 1 + (nth as number)]?.content;
      let result: unknown = text;
      try {
        result = JSON.parse(text);
      } catch {
        // It is text.
      }
      const args = JSON.parse(call.function.arguments);
      calls.push({
        name: call.function.name,
        args,
        result,
        spoke: Boolean(message.content?.trim()),
        siblings: message.tool_calls.length,
      });
    }
  });
  return calls;
}

export function violationsByHand(conversations: readonly { traj: readonly Value[] }[]): Violations {
  const found: Violations = new Map();
  conversations.forEach(({ traj }, conversation) => {
    const state = new State();
    callsOf(traj).forEach((call, index) => {
      for (const rule of brokenBy(call, state)) {
        found.set(rule, [...(found.get(rule) ?? []), `${conversation}/${index}`]);
      }
      state.learn(call);
    });
  });
  return found;
}

/** What the conversation has shown so far. */
class State {
  readonly profiles = new Map<string, Value>();
  readonly reservations = new Map<string, Value>();
  readonly seenOf = new Map<string, Value[]>();
  readonly cabins = new Map<string, string>();
  readonly airports = new Map<string, [string, string]>();
  readonly changedUsers = new Set<string>();

  learn({ name, args, result }: Call): void {
    if (name === "get_user_details" && result.membership) this.profiles.set(args.user_id, result);
    const legs = [result?.flights ?? [], name.startsWith("search_") ? result : []].flat(3) as Value[];
    for (const leg of legs) this.airports.set(leg.flight_number, [leg.origin, leg.destination]);
    if (typeof result !== "object" || !result?.reservation_id) return;
    this.reservations.set(result.reservation_id, result);
    this.seenOf.set(result.user_id, [...(this.seenOf.get(result.user_id) ?? []), result]);
    if (name === "update_reservation_flights") this.cabins.set(args.reservation_id, args.cabin);
    if (["update_reservation_flights", "cancel_reservation"].includes(name)) this.changedUsers.add(result.user_id);
  }
}

function brokenBy(call: Call, state: State): string[] {
  const broken: string[] = [];
  if (call.spoke) broken.push("no-reply-with-call");
  if (call.siblings > 1) broken.push("one-call-at-a-time");
  if (call.name === "book_reservation") broken.push(...booking(call, state));
  if (/^(update|cancel)_reservation/.test(call.name) && !state.reservations.has(call.args.reservation_id)) {
    broken.push("reservation-looked-up");
  }
  if (call.name === "update_reservation_flights") broken.push(...change(call, state));
  if (call.name === "update_reservation_baggages") broken.push(...bags(call, state));
  if (call.name === "update_reservation_passengers") broken.push(...passengers(call, state));
  if (call.name === "send_certificate") broken.push(...certificate(call, state));
  return broken;
}

function booking({ args, result }: Call, state: State): string[] {
  const profile = state.profiles.get(args.user_id);
  const ids: string[] = args.payment_methods.map((method: Value) => method.payment_id);
  const kinds = (kind: string) => ids.filter((id) => id.startsWith(`${kind}_`)).length;
  const people = args.passengers.length;
  const allowance = profile && people * free[profile.membership]![args.cabin]!;
  return named({
    "user-id-first": !args.user_id,
    "at-most-five-passengers": people > 5,
    "passenger-details": args.passengers.some((one: Value) => !one.first_name || !one.last_name || !one.dob),
    "at-most-one-certificate": kinds("certificate") > 1,
    "at-most-one-credit-card": kinds("credit_card") > 1,
    "at-most-three-gift-cards": kinds("gift_card") > 3,
    "payment-in-profile": unknownPayment(ids, profile, result),
    "extra-bags-charged":
      allowance !== undefined && args.nonfree_baggages !== Math.max(0, args.total_baggages - allowance),
    "flight-available": /not available on date/.test(String(result)),
  });
}

function change({ args, result }: Call, state: State): string[] {
  const old = state.reservations.get(args.reservation_id);
  if (old === undefined) return /method not found/.test(String(result)) ? ["payment-in-profile"] : [];
  const flightIds = (flights: Value[]) => flights.map((flight) => `${flight.flight_number} ${flight.date}`);
  const changed = flightIds(old.flights).join() !== flightIds(args.flights).join();
  const cabin = state.cabins.get(args.reservation_id) ?? old.cabin;
  const legs: ([string, string] | undefined)[] = result.flights
    ? result.flights.map((flight: Value) => [flight.origin, flight.destination])
    : args.flights.map((flight: Value) => state.airports.get(flight.flight_number));
  const end = old.flight_type === "round_trip" ? old.origin : old.destination;
  const kept =
    legs[0]?.[0] === old.origin && legs.at(-1)?.[1] === end && legs.some((leg) => leg?.[1] === old.destination);
  const missing = /flight (\w+) not available on date (\S+)/.exec(String(result));
  return named({
    "payment-in-profile": unknownPayment([args.payment_id], state.profiles.get(old.user_id), result),
    "basic-economy-kept": changed && cabin === "basic_economy",
    "route-kept": !legs.includes(undefined) && !kept,
    "change-paid-by-card": changed && !/^(gift|credit)_card_/.test(args.payment_id),
    "flight-available": missing !== null && !flightIds(old.flights).includes(`${missing[1]} ${missing[2]}`),
  });
}

function bags({ args, result }: Call, state: State): string[] {
  const old = state.reservations.get(args.reservation_id);
  if (old === undefined) return [];
  const profile = state.profiles.get(old.user_id);
  const cabin = state.cabins.get(args.reservation_id) ?? old.cabin;
  const allowance = profile && old.passengers.length * free[profile.membership]![cabin]!;
  const due =
    allowance !== undefined &&
    Math.max(0, args.total_baggages - allowance) - Math.max(0, old.total_baggages - allowance);
  return named({
    "payment-in-profile": unknownPayment([args.payment_id], profile, result),
    "bags-only-added": args.total_baggages < old.total_baggages,
    "extra-bags-charged": due !== false && args.nonfree_baggages - old.nonfree_baggages !== due,
  });
}

function passengers({ args }: Call, state: State): string[] {
  const old = state.reservations.get(args.reservation_id);
  return named({
    "passenger-count-kept": old !== undefined && old.passengers.length !== args.passengers.length,
    "passenger-details": args.passengers.some((one: Value) => !one.first_name || !one.last_name || !one.dob),
  });
}

function certificate({ args }: Call, state: State): string[] {
  const seen = state.seenOf.get(args.user_id) ?? [];
  const fits = (each: number) => seen.some((one) => one.passengers.length * each === args.amount);
  const rich = seen.some((one) => one.insurance === "yes" || one.cabin === "business");
  return named({
    "certificate-eligible": state.profiles.get(args.user_id)?.membership === "regular" && seen.length > 0 && !rich,
    "certificate-amount": seen.length > 0 && !fits(100) && !fits(50),
    "delay-certificate-after-change": fits(50) && !fits(100) && !state.changedUsers.has(args.user_id),
  });
}

function unknownPayment(ids: string[], profile: Value | undefined, result: unknown): boolean {
  if (/payment method .*not found/.test(String(result))) return true;
  return profile !== undefined && ids.some((id) => !(id in profile.payment_methods));
}

function named(verdicts: Record<string, boolean | undefined>): string[] {
  return Object.keys(verdicts).filter((rule) => verdicts[rule] === true);
}
