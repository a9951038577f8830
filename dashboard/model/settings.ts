import type { TrustedContracts } from "../../auditor/checks/chain.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Names } from "./names.ts";

export const languages = ["en", "de", "es"] as const;
export type Language = (typeof languages)[number];

/** What the page is told by whoever makes it. */
export interface PageSettings {
  readonly language: Language;
  /** The endpoint that is asked; null asks nobody. */
  readonly rpcUrl: string | null;
  /** The contracts of a deployment that whoever made the report trusts. */
  readonly contracts: TrustedContracts | null;
  readonly keyEscrow: Hex | null;
  readonly names: Names;
  /** Where to look at blocks: `https://etherscan.io`. Null for chains that nobody shows. */
  readonly explorer: string | null;
}

/** The same, with the file that is inside. */
export interface EmbeddedSettings extends PageSettings {
  readonly file: string | null;
}
