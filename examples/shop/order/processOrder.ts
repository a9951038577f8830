import { type Json } from "../../../protocol/json/canonical.ts";
import { type StationConfig } from "../station/config.ts";
import { ask } from "../station/peer.ts";
import { type Station } from "../station/station.ts";
import { refusalOf, type Step } from "../station/step.ts";
import { type Order, totalCentsOf } from "./order.ts";
import { type Ending } from "./queue.ts";

/**
 * Sees one order through: accept, reserve, charge, ship, complete. Where one of the agents refuses, what was done before
 * is undone and the order cancelled. After a crash the whole order is walked through again; every step that was taken
 * answers as it did, so the walk comes to the same end.
 */
export async function processOrder(
  order: Order,
  station: Station,
  peers: StationConfig["peers"],
  stop: AbortSignal,
): Promise<Ending> {
  const { orderId, currency, cardToken, lines, shipTo } = order;
  const goods = lines.map(({ sku, quantity }) => ({ sku, quantity }));
  const amountCents = totalCentsOf(order);
  const askPeer = (peer: string, path: string, input: Json): Promise<Step> => {
    const url = peers[peer];
    if (url === undefined) throw new Error(`the pipeline has no agent ${peer}`);
    return ask(url, path, orderId, input, stop);
  };
  const undone: string[] = [];
  const cancel = async (refused: Step): Promise<Ending> => {
    const input = { refused: refused.act, reason: refusalOf(refused)?.reason ?? "", undone };
    await station.take({ act: "order.cancel", plan: () => ({ output: { status: "cancelled" } }) }, orderId, input);
    return "refused";
  };

  const accept = () => ({ output: { totalCents: amountCents } });
  const accepted = await station.take({ act: "order.accept", plan: accept }, orderId, { currency, lines });
  if (refusalOf(accepted)) return "refused";

  const reserved = await askPeer("inventory", "/v1/reserve", { lines: goods });
  if (refusalOf(reserved)) return cancel(reserved);

  const charged = await askPeer("payment", "/v1/charge", { amountCents, currency, cardToken });
  if (refusalOf(charged)) {
    undone.push((await askPeer("inventory", "/v1/release", { lines: goods })).act);
    return cancel(charged);
  }

  const { weightGrams = 0 } = reserved.output as { weightGrams?: number };
  const shipped = await askPeer("fulfilment", "/v1/ship", { shipTo: { ...shipTo }, weightGrams });
  if (refusalOf(shipped)) {
    undone.push((await askPeer("payment", "/v1/refund", { amountCents, currency })).act);
    undone.push((await askPeer("inventory", "/v1/release", { lines: goods })).act);
    return cancel(shipped);
  }

  const complete = () => ({ output: { status: "completed" } });
  await station.take({ act: "order.complete", plan: complete }, orderId, { chargedCents: amountCents });
  return "completed";
}
