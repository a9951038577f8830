/** The process of the services that come later (`services.ts`). The orchestrator is its parent. */
import { serveLater } from "../../orchestrator/later/serveLater.ts";
import { laterServices } from "./services.ts";

serveLater(laterServices);
