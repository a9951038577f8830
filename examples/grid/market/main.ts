/** The market agent: hour by hour it asks who needs and who offers, and clears. */
import type { Json } from "../../../protocol/json/canonical.ts";
import type { Outcome } from "../../shop/contracts/callBook.ts";
import { runStation } from "../../shop/station/runStation.ts";
import { clear } from "./clearing.ts";

const hours = Array.from({ length: 24 }, (_, hour) => hour);
const idOf = (hour: number): string => `H${String(hour).padStart(2, "0")}`;
const trade = "market.clear";

await runStation(({ station, caller }) => {
  const isCleared = (hour: number): boolean => station.workbook.step(`${idOf(hour)}/${trade}`) !== undefined;
  const ask = async (peer: string, what: string, hour: number): Promise<number> => {
    return wattHoursOf(await caller.ask({ peer, command: `/${peer}/${what}`, orderId: idOf(hour), args: { hour } }));
  };
  return {
    waiting: () => hours.filter((hour) => !isCleared(hour)).length,
    work: async (stop) => {
      for (const hour of hours) {
        if (stop.aborted || isCleared(hour)) continue;
        const demand = (await ask("home-a", "demand", hour)) + (await ask("home-b", "demand", hour));
        const offer = await ask("solar", "offer", hour);
        const plan = () => ({ output: { ...clear(demand, offer) } });
        await station.take({ act: trade, plan }, idOf(hour), { hour, demandWh: demand, offerWh: offer });
      }
    },
  };
});

/** Who refuses, or does not answer any more, counts as nothing: the grid makes up for it. */
function wattHoursOf(outcome: Outcome): number {
  const { wh } = "output" in outcome ? (outcome.output as { readonly wh?: Json }) : {};
  return typeof wh === "number" ? wh : 0;
}
