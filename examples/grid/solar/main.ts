/** The agent of a solar roof: it offers what the sun gives. */
import type { Json } from "../../../protocol/json/canonical.ts";
import { objectIn, wholeIn } from "../../shop/station/input.ts";
import { runStation } from "../../shop/station/runStation.ts";
import type { Plan } from "../../shop/station/step.ts";
import { offerWh } from "../profile.ts";

await runStation(() => ({ trades: { "/solar/offer": { act: "solar.offer", plan: planOffer } } }));

function planOffer(input: Json): Plan {
  return { output: { wh: offerWh(wholeIn(objectIn(input, "the request")["hour"], "hour")) } };
}
