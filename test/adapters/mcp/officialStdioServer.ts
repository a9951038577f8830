/** The official server as a program on stdio. */
import { serveStdio } from "@modelcontextprotocol/server/stdio";

import { officialServer } from "./officialServer.ts";

serveStdio(() => officialServer());
