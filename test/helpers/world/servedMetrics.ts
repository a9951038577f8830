import { startChain } from "./chain.ts";
import { RelayerHome } from "./relayer.ts";

/** What a relayer of its own serves at `/metrics`, its labels of requests included. */
export async function servedMetrics(): Promise<string> {
  const chain = await startChain();
  const home = await RelayerHome.make(chain);
  const relayer = await home.start();
  // The first scrape counts itself as a request that the second one shows, with its labels.
  await relayer.post("/v1/nothing", {});
  const served = (await relayer.get("/metrics")).text;
  await relayer.close();
  await home.remove();
  await chain.close();
  return served;
}
