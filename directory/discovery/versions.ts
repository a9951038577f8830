/** What is spoken of drafts that move: each is pinned here and nowhere else. docs/directory.md says where each was read. */
export const versions = {
  /** Agentic Resource Discovery, `ards-project/ard-spec`. */
  ard: { version: "0.9", commit: "5fa2f5aef790b478319f6a3b43adf4661b0ed0e0", wellKnown: "/.well-known/ard.json" },
  /** The manifest that ARD and its predecessor share: `spec/schemas/ai-catalog.schema.json` of the same commit. */
  aiCatalog: { specVersion: "1.0", wellKnown: "/.well-known/ai-catalog.json" },
  /** Media type of A2A agent cards, as ARD §3.3 names it. */
  a2aCardType: "application/a2a-agent-card+json",
  /** EIP-8004, "Agent Registration File". */
  erc8004Registration: "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
  /** An extension of A2A cards (`capabilities.extensions`) by which an agent says what it costs and where it works. */
  offerExtension: "urn:affiant:a2a:offer:1",
} as const;
