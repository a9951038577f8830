import type { Caller } from "../contracts/caller.ts";
import type { Outcome } from "../contracts/callBook.ts";
import type { IpldMap } from "../../../protocol/ucan/ipld.ts";
import type { Station } from "../station/station.ts";
import { refusalOf } from "../station/step.ts";
import { type Order, totalCentsOf } from "./order.ts";
import type { Ending } from "./queue.ts";

/**
 * Sees one order through: accept, reserve, charge, ship, complete, tell the customer. Where one of the agents refuses,
 * what was done before is undone as far as contracts allow, and the order cancelled. After a crash the whole order is
 * walked through again; every step that was taken answers as it did, so the walk comes to the same end.
 */
export async function processOrder(
  order: Order,
  station: Pick<Station, "take">,
  caller: Pick<Caller, "ask">,
): Promise<Ending> {
  return new Walk(order, station, caller).run();
}

class Walk {
  readonly #order: Order;
  readonly #station: Pick<Station, "take">;
  readonly #caller: Pick<Caller, "ask">;
  readonly #goods: readonly { readonly sku: string; readonly quantity: number }[];

  constructor(order: Order, station: Pick<Station, "take">, caller: Pick<Caller, "ask">) {
    this.#order = order;
    this.#station = station;
    this.#caller = caller;
    this.#goods = order.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  }

  async run(): Promise<Ending> {
    const { orderId, currency, cardToken, lines, shipTo } = this.#order;
    const amountCents = totalCentsOf(this.#order);
    const accept = () => ({ output: { totalCents: amountCents } });
    const accepted = await this.#station.take({ act: "order.accept", plan: accept }, orderId, {
      orderId,
      currency,
      lines,
    });
    if (refusalOf(accepted)) return "refused";

    const reserved = await this.#ask("inventory", "reserve", { lines: this.#goods });
    // What is there instead is for the customer to know.
    if ("refused" in reserved) return this.#cancel(reserved, [await this.#ask("inventory", "check", this.#lines)]);

    const charged = await this.#ask("payment", "charge", { amountCents, currency, cardToken });
    if ("refused" in charged) return this.#cancel(charged, [await this.#ask("inventory", "release", this.#lines)]);

    const { weightGrams = 0 } = reserved.output as { weightGrams?: number };
    const shipped = await this.#ask("fulfilment", "ship", { shipTo: { ...shipTo }, weightGrams });
    if ("refused" in shipped) {
      // Refunds are granted in euros. For others there is only the right to charge, which is not enough: it is said so,
      // is on record on both sides, and a person has to see to it.
      const under = currency === "EUR" ? "/payment/refund" : "/payment/charge";
      const refunded = await this.#ask("payment", "refund", { amountCents, currency }, under);
      return this.#cancel(shipped, [refunded, await this.#ask("inventory", "release", this.#lines)]);
    }

    const complete = () => ({ output: { status: "completed" } });
    await this.#station.take({ act: "order.complete", plan: complete }, orderId, {
      orderId,
      chargedCents: amountCents,
    });
    await this.#notify("completed", undefined);
    return "completed";
  }

  get #lines(): IpldMap {
    return { lines: this.#goods };
  }

  #ask(peer: string, what: string, args: IpldMap, under?: string): Promise<Outcome> {
    const { orderId } = this.#order;
    const command = `/${peer}/${what}`;
    return this.#caller.ask({ peer, command, orderId, args, ...(under === undefined ? {} : { under }) });
  }

  async #cancel(refused: Extract<Outcome, { refused: unknown }>, after: readonly Outcome[]): Promise<Ending> {
    const changes = after.filter(({ act }) => act !== "inventory.check");
    const { orderId } = this.#order;
    const input = {
      orderId,
      refused: refused.act,
      reason: refused.refused.reason,
      undone: changes.filter((outcome) => "output" in outcome).map(({ act }) => act),
      leftToAPerson: changes.filter((outcome) => "refused" in outcome).map(({ act }) => act),
    };
    await this.#station.take(
      { act: "order.cancel", plan: () => ({ output: { status: "cancelled" } }) },
      orderId,
      input,
    );
    const { code, reason } = refused.refused;
    // The clause of a contract says nothing to a customer.
    await this.#notify(
      "cancelled",
      code.startsWith("ERR_AUTH_CONTRACT") ? "It needs the approval of a person." : reason,
    );
    return "refused";
  }

  async #notify(ending: "completed" | "cancelled", reason: string | undefined): Promise<void> {
    const share = ["customer", "goods", ...(reason === undefined ? [] : ["reason"])];
    const said: IpldMap = reason === undefined ? {} : { reason };
    await this.#ask("fulfilment", "notify", {
      ending,
      share,
      customer: this.#order.customer,
      goods: this.#goods,
      ...said,
    });
  }
}
