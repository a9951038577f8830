/** Tools as zod schemas, as users have them. */
import { z } from "zod/v4";

export const pay = z.object({ cents: z.int(), tags: z.array(z.string()), to: z.object({ name: z.string() }) });

export default { refund: z.object({ order: z.string() }) };
