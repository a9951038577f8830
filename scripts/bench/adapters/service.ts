import { localService } from "../../../test/adapters/service/localService.ts";
import type { BenchRow } from "../report.ts";
import { inFolder, rowsOf, timesOf } from "./timed.ts";

/** A call by the service's socket: claimed in one request, its outcome told in another. */
export function serviceRows(calls: number): Promise<readonly BenchRow[]> {
  return inFolder(async (folder) => {
    const at = await localService(folder);
    const call = async (index: number): Promise<void> => {
      await at.ask("POST", "/v1/acts", {
        act: "lookup",
        input: { index },
        idempotencyKey: `k${index}`,
        thread: "bench",
      });
      await at.ask("POST", `/v1/acts/k${index}/outcome`, { output: index });
    };
    await call(-1);
    const [bare, served] = [await timesOf(calls, () => Promise.resolve()), await timesOf(calls, call)];
    await at.close();
    return rowsOf("a call through the service", served, bare);
  });
}
