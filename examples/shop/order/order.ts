import type { Json } from "../../../protocol/json/canonical.ts";
import { listIn, objectIn, orderIdIn, textIn, wholeIn } from "../station/input.ts";

/** An order as a customer gives it. Amounts are in the smallest unit of the currency. */
export interface Order {
  readonly orderId: string;
  readonly customer: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly cardToken: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly unitPriceCents: number }[];
  /** `country` is ISO 3166-1 alpha-2. */
  readonly shipTo: {
    readonly name: string;
    readonly street: string;
    readonly city: string;
    readonly country: string;
  };
}

/** @throws AffiantError ERR_INPUT_MALFORMED */
export function parseOrder(value: Json): Order {
  const fields = objectIn(value, "the order");
  const shipTo = objectIn(fields["shipTo"], "shipTo");
  return {
    orderId: orderIdIn(fields["orderId"]),
    customer: textIn(fields["customer"], "customer"),
    currency: textIn(fields["currency"], "currency"),
    cardToken: textIn(fields["cardToken"], "cardToken"),
    lines: listIn(fields["lines"], "lines").map((line) => {
      const { sku, quantity, unitPriceCents } = objectIn(line, "a line");
      return {
        sku: textIn(sku, "sku"),
        quantity: wholeIn(quantity, "quantity"),
        unitPriceCents: wholeIn(unitPriceCents, "unitPriceCents"),
      };
    }),
    shipTo: {
      name: textIn(shipTo["name"], "shipTo.name"),
      street: textIn(shipTo["street"], "shipTo.street"),
      city: textIn(shipTo["city"], "shipTo.city"),
      country: textIn(shipTo["country"], "shipTo.country"),
    },
  };
}

export function totalCentsOf(order: Order): number {
  return order.lines.reduce((total, line) => total + line.quantity * line.unitPriceCents, 0);
}
