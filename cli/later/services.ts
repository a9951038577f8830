import type { LaterService } from "../../orchestrator/later/laterService.ts";

/**
 * Services that `npm start` opens when they are first asked for, all in one process: each a line of the report with its URL. They
 * import what they are made of in `open`, and nothing here.
 */
export const laterServices: readonly LaterService[] = [
  {
    name: "directory",
    about: "who there is, what they can do, and whether the chain trusts them now",
    open: async (place) => (await import("../directory/open.ts")).openDirectory(place),
  },
  {
    name: "dashboard",
    about: "the running system, and its evidence, in a browser",
    open: async ({ dataDir }) => (await import("../dashboard/openDashboard.ts")).openLaterDashboard(dataDir),
  },
];
