/** A process of an agent that only writes: appends entries to a journal until it is killed, a line on stdout for each. */
import { setTimeout as sleep } from "node:timers/promises";

import { Journal } from "../../../agent/journal/journal.ts";

const journal = new Journal(process.argv[2] ?? "");
for (;;) {
  const seq = journal.transaction(() => {
    const next = (journal.head()?.seq ?? -1) + 1;
    const entryId = `0x${next.toString(16).padStart(64, "0")}` as const;
    journal.insert({ seq: next, entryId, leaf: `leaf ${next} by ${process.pid}`, disclosures: [] }, null);
    return next;
  });
  process.stdout.write(`${seq}\n`);
  // Room for another process: SQLite hands the lock to whoever asks first, not to who has waited longest.
  await sleep(2);
}
