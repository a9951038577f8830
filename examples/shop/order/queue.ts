import type { Json } from "../../../protocol/json/canonical.ts";
import type { Workbook } from "../station/workbook.ts";
import { type Order, parseOrder } from "./order.ts";

/** How an order ended. */
export type Ending = "completed" | "refused";

/** The orders to be worked through, on disk in the order in which they came. An order id is taken once. */
export class OrderQueue {
  readonly #book: Workbook;
  #wake: () => void = () => undefined;

  constructor(book: Workbook) {
    this.#book = book;
    book.sql.exec(`CREATE TABLE IF NOT EXISTS orders (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      order_id TEXT NOT NULL UNIQUE,
      body TEXT NOT NULL,
      ending TEXT
    ) STRICT`);
  }

  /** @returns how many were new */
  add(orders: readonly Order[]): number {
    const added = this.#book.transaction(() => {
      const insert = this.#book.sql.prepare("INSERT OR IGNORE INTO orders (order_id, body) VALUES (?, ?)");
      return orders.reduce((sum, order) => sum + Number(insert.run(order.orderId, JSON.stringify(order)).changes), 0);
    });
    this.#wake();
    return added;
  }

  next(): Order | undefined {
    const row = this.#book.sql
      .prepare("SELECT body FROM orders WHERE ending IS NULL ORDER BY position LIMIT 1")
      .get() as { body: string } | undefined;
    return row && parseOrder(JSON.parse(row.body) as Json);
  }

  close(orderId: string, ending: Ending): void {
    this.#book.sql.prepare("UPDATE orders SET ending = ? WHERE order_id = ?").run(ending, orderId);
  }

  waiting(): number {
    return (this.#book.sql.prepare("SELECT count(*) AS n FROM orders WHERE ending IS NULL").get() as { n: number }).n;
  }

  list(): Json {
    const rows = this.#book.sql.prepare("SELECT order_id, ending FROM orders ORDER BY position").all();
    return (rows as unknown as { order_id: string; ending: Ending | null }[]).map((row) => ({
      orderId: row.order_id,
      state: row.ending ?? "waiting",
    }));
  }

  /** Resolves when there may be something to do. */
  woken(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      stop.addEventListener("abort", () => resolve(), { once: true });
      if (stop.aborted || this.waiting() > 0) resolve();
    });
  }
}
