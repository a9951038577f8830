/** The agent that keeps the stock. */
import type { Json } from "../../../protocol/json/canonical.ts";
import { listIn, objectIn, textIn, wholeIn } from "../station/input.ts";
import { runStation } from "../station/runStation.ts";
import type { Plan } from "../station/step.ts";
import { Stock } from "./stock.ts";

await runStation(({ station }) => {
  const stock = new Stock(station.workbook);
  return {
    trades: {
      "/inventory/check": { act: "inventory.check", plan: (input) => planCheck(stock, input) },
      "/inventory/reserve": { act: "inventory.reserve", plan: (input) => planReservation(stock, input) },
      "/inventory/release": { act: "inventory.release", plan: (input) => planRelease(stock, input) },
    },
  };
});

function planCheck(stock: Stock, input: Json): Plan {
  return { output: { left: linesOf(input).map(({ sku }) => ({ sku, units: stock.find(sku)?.units ?? 0 })) } };
}

function planReservation(stock: Stock, input: Json): Plan {
  const lines = linesOf(input);
  const left: { sku: string; units: number }[] = [];
  let weightGrams = 0;
  if (new Set(lines.map(({ sku }) => sku)).size < lines.length) return { refuse: "An article stands on two lines." };
  for (const { sku, quantity } of lines) {
    const article = stock.find(sku);
    if (!article) return { refuse: `There is no article ${sku}.` };
    const units = article.units - quantity;
    // How much is too much for one order is for the policy to say, and it says so with or without stock.
    if (units < 0 && quantity <= 20)
      return { refuse: `${quantity} of ${sku} are wanted and ${article.units} are left.` };
    left.push({ sku, units });
    weightGrams += article.weightGrams * quantity;
  }
  return {
    output: { left, weightGrams },
    change: () => lines.forEach(({ sku, quantity }) => stock.add(sku, -quantity)),
  };
}

function planRelease(stock: Stock, input: Json): Plan {
  const lines = linesOf(input);
  const left = lines.map(({ sku, quantity }) => ({ sku, units: (stock.find(sku)?.units ?? 0) + quantity }));
  return { output: { left }, change: () => lines.forEach(({ sku, quantity }) => stock.add(sku, quantity)) };
}

function linesOf(input: Json): readonly { sku: string; quantity: number }[] {
  return listIn(objectIn(input, "the request")["lines"], "lines").map((line) => {
    const { sku, quantity } = objectIn(line, "a line");
    return { sku: textIn(sku, "sku"), quantity: wholeIn(quantity, "quantity") };
  });
}
