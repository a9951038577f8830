import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Workbook } from "../station/workbook.ts";

interface Article {
  readonly sku: string;
  readonly name: string;
  readonly unitPriceCents: number;
  readonly weightGrams: number;
  /** Units there at the beginning. */
  readonly units: number;
}

/** The shop's articles and how many units of each are left, in the agent's workbook. */
export class Stock {
  readonly #book: Workbook;

  constructor(book: Workbook) {
    this.#book = book;
    book.sql.exec(`CREATE TABLE IF NOT EXISTS stock (
      sku TEXT PRIMARY KEY,
      unit_price_cents INTEGER NOT NULL,
      weight_grams INTEGER NOT NULL,
      units INTEGER NOT NULL
    ) STRICT`);
    const insert = book.sql.prepare("INSERT OR IGNORE INTO stock VALUES (?, ?, ?, ?)");
    for (const article of readCatalogue()) {
      insert.run(article.sku, article.unitPriceCents, article.weightGrams, article.units);
    }
  }

  find(sku: string): { unitPriceCents: number; weightGrams: number; units: number } | undefined {
    return this.#book.sql
      .prepare("SELECT unit_price_cents AS unitPriceCents, weight_grams AS weightGrams, units FROM stock WHERE sku = ?")
      .get(sku) as { unitPriceCents: number; weightGrams: number; units: number } | undefined;
  }

  /** Puts units back, or takes them away. Only inside `Workbook.decide`. */
  add(sku: string, units: number): void {
    this.#book.sql.prepare("UPDATE stock SET units = units + ? WHERE sku = ?").run(units, sku);
  }
}

function readCatalogue(): readonly Article[] {
  const text = readFileSync(join(import.meta.dirname, "catalogue.json"), "utf8");
  return (JSON.parse(text) as { articles: Article[] }).articles;
}
