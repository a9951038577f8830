/** The agent that charges and refunds. The bank is played by the token of the card. */
import { type Json } from "../../../protocol/json/canonical.ts";
import { objectIn, textIn, wholeIn } from "../station/input.ts";
import { runStation } from "../station/runStation.ts";
import { type Plan } from "../station/step.ts";

/** Above that a person has to agree, whatever the policy says. */
const chargeLimitCents = 1_500_000;
const refundLimitCents = 50_000;

await runStation(() => ({
  trades: {
    "/payment/charge": { act: "payment.charge", plan: planCharge },
    "/payment/refund": { act: "payment.refund", plan: planRefund },
  },
  // Who may charge may not refund: that takes a contract of its own, and it is about less.
  grants: [
    {
      to: "order",
      command: "/payment/charge",
      policy: [
        [">=", ".amountCents", 0],
        ["<=", ".amountCents", chargeLimitCents],
        ["or", ["EUR", "USD"].map((currency) => ["==", ".currency", currency])],
      ],
    },
    {
      to: "order",
      command: "/payment/refund",
      policy: [
        [">=", ".amountCents", 0],
        ["<=", ".amountCents", refundLimitCents],
        ["==", ".currency", "EUR"],
      ],
    },
  ],
}));

function planCharge(input: Json): Plan {
  const { amountCents, currency, cardToken } = objectIn(input, "the request");
  wholeIn(amountCents, "amountCents");
  textIn(currency, "currency");
  if (textIn(cardToken, "cardToken") === "tok_declined") return { refuse: "The bank declines the card." };
  return { output: { status: "captured" } };
}

function planRefund(input: Json): Plan {
  wholeIn(objectIn(input, "the request")["amountCents"], "amountCents");
  return { output: { status: "refunded" } };
}
