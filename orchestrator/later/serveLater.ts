import { errorLines, printJson, printLines } from "../../host/terminal/print.ts";
import type { LaterService, OpenAnswer, OpenLaterService, OpenRequest } from "./laterService.ts";

/** The process of the services that come later: opens each when its parent says that somebody asks for it. */
export function serveLater(services: readonly LaterService[]): void {
  const open = new Map<string, Promise<OpenLaterService>>();
  const tell = (answer: OpenAnswer): void => void (process.connected && process.send?.(answer));
  process.on("message", (message) => {
    const { open: name, place } = message as OpenRequest;
    const opening = open.get(name) ?? opened(services, name, place);
    open.set(name, opening);
    opening.then(
      ({ port }) => tell({ opened: name, port }),
      (error: unknown) => {
        // The next one who asks may have more luck.
        open.delete(name);
        printLines("stderr", errorLines(error));
        tell({ failed: name, reason: (error as Error).message });
      },
    );
  });
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      const closing = [...open.values()].map(async (one) => (await one).close());
      void Promise.allSettled(closing).then(() => process.exit(0));
    });
  }
  // Before anything is opened nothing else keeps this process alive.
  process.channel?.ref();
  printJson("stdout", { ready: true });
}

async function opened(services: readonly LaterService[], name: string, place: OpenRequest["place"]) {
  const service = services.find((one) => one.name === name);
  if (!service) throw new Error(`there is no service ${name}`);
  return service.open(place);
}
