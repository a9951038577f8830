import type { Json } from "../../../protocol/json/canonical.ts";
import { listIn, objectIn, orderIdIn, textIn, wholeIn } from "../station/input.ts";
import type { Plan } from "../station/step.ts";
import type { Composer, NoticeFacts } from "./composer.ts";

/** The most that the contract for notices lets a caller share with whoever writes them. */
type ShareableField = "customer" | "goods" | "reason";

/**
 * Has a notice written. The writer is given what the call's `share` names and this agent's contracts allow to share;
 * whatever else the call says, and all that this agent knows of the order besides, stays here.
 */
export async function planNotice(composer: Composer, input: Json): Promise<Plan> {
  const notice = await composer.compose(factsOf(objectIn(input, "the request")));
  return { output: { ...notice } };
}

function factsOf(request: Readonly<Record<string, Json>>): NoticeFacts {
  const { ending, customer, goods, reason } = request;
  const share = new Set(listIn(request["share"], "share"));
  const shared = (field: ShareableField, value: Json | undefined): value is Json =>
    share.has(field) && value !== undefined;
  return {
    ending: ending === "completed" ? "completed" : "cancelled",
    orderId: orderIdIn(request["orderId"]),
    ...(shared("customer", customer) ? { customer: textIn(customer, "customer") } : {}),
    ...(shared("goods", goods) ? { goods: goodsIn(goods) } : {}),
    ...(shared("reason", reason) ? { reason: textIn(reason, "reason") } : {}),
  };
}

/** Field by field: a line may carry more than belongs in a notice. */
function goodsIn(value: Json): readonly { sku: string; quantity: number }[] {
  return listIn(value, "goods").map((line) => {
    const { sku, quantity } = objectIn(line, "a line");
    return { sku: textIn(sku, "sku"), quantity: wholeIn(quantity, "quantity") };
  });
}
