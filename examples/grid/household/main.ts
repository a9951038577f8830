/** The agent of a household: it tells what its meter will need. Started with the household's name and kWh a year. */
import type { Json } from "../../../protocol/json/canonical.ts";
import { objectIn, wholeIn } from "../../shop/station/input.ts";
import { runStation } from "../../shop/station/runStation.ts";
import type { Plan } from "../../shop/station/step.ts";
import { demandWh } from "../profile.ts";

const [home = "", yearlyKwh = "0"] = process.argv.slice(2);

await runStation(() => ({ trades: { [`/${home}/demand`]: { act: `${home}.demand`, plan: planDemand } } }));

function planDemand(input: Json): Plan {
  const hour = wholeIn(objectIn(input, "the request")["hour"], "hour");
  if (hour < 0 || hour > 23) return { refuse: "A day has 24 hours." };
  return { output: { wh: demandWh(hour, Number(yearlyKwh)) } };
}
