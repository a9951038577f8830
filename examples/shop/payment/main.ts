/** The agent that charges and refunds. The bank is played by the token of the card. */
import type { Json } from "../../../protocol/json/canonical.ts";
import { objectIn, textIn, wholeIn } from "../station/input.ts";
import { runStation } from "../station/runStation.ts";
import type { Plan } from "../station/step.ts";

await runStation(() => ({
  trades: {
    "/payment/charge": { act: "payment.charge", plan: planCharge },
    "/payment/refund": { act: "payment.refund", plan: planRefund },
  },
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
