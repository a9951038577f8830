/** The agent that takes orders and sees them through. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Json } from "../../../protocol/json/canonical.ts";
import { listIn, objectIn } from "../station/input.ts";
import { runStation } from "../station/runStation.ts";
import { parseOrder } from "./order.ts";
import { processOrder } from "./processOrder.ts";
import { OrderQueue } from "./queue.ts";

const ordersPath = join(import.meta.dirname, "../orders.json");

await runStation(({ station, caller }) => {
  const queue = new OrderQueue(station.workbook);
  queue.add(readOrders(readFileSync(ordersPath, "utf8")));
  return {
    waiting: () => queue.waiting(),
    routes: {
      "GET /v1/orders": () => queue.list(),
      "POST /v1/orders": (body) => ({ added: queue.add([parseOrder(body)]), waiting: queue.waiting() }),
    },
    work: async (stop) => {
      while (!stop.aborted) {
        const order = queue.next();
        if (order) queue.close(order.orderId, await processOrder(order, station, caller));
        else await queue.woken(stop);
      }
    },
  };
});

function readOrders(text: string) {
  return listIn(objectIn(JSON.parse(text) as Json, "orders.json")["orders"], "orders").map(parseOrder);
}
