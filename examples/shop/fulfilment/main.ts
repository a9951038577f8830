/** The agent that ships parcels and writes to customers. */
import type { Json } from "../../../protocol/json/canonical.ts";
import { openComposer } from "../notices/openComposer.ts";
import { planNotice } from "../notices/planNotice.ts";
import { objectIn, textIn, wholeIn } from "../station/input.ts";
import { runStation } from "../station/runStation.ts";
import type { Plan } from "../station/step.ts";

await runStation(({ config }) => {
  const composer = openComposer(config.dataDir);
  return {
    trades: {
      "/fulfilment/ship": { act: "fulfilment.ship", plan: planShipment },
      "/fulfilment/notify": { act: "fulfilment.notify", plan: (input) => planNotice(composer, input) },
    },
  };
});

function planShipment(input: Json): Plan {
  const { shipTo, weightGrams } = objectIn(input, "the request");
  const address = objectIn(shipTo, "shipTo");
  wholeIn(weightGrams, "weightGrams");
  const missing = ["name", "street", "city", "country"].filter((field) => textIn(address[field], field).trim() === "");
  if (missing.length > 0) return { refuse: `The address lacks: ${missing.join(", ")}.` };
  return { output: { carrier: address["country"] === "US" ? "Pony Parcel" : "Alpenpost", status: "handed over" } };
}
