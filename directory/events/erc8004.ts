import type { AbiItem } from "./contracts.ts";

const address = (name: string, indexed = false) => ({ name, type: "address", indexed });
const text = (name: string, indexed = false) => ({ name, type: "string", indexed });
const number = (name: string, indexed = false) => ({ name, type: "uint256", indexed });
const event = (name: string, ...inputs: readonly { name: string; type: string; indexed: boolean }[]): AbiItem => ({
  type: "event",
  name,
  inputs,
});

/** Of the Identity Registry (EIP-8004, an ERC-721 with a URI and metadata). */
export const identityEvents: readonly AbiItem[] = [
  event("Registered", number("agentId", true), text("agentURI"), address("owner", true)),
  event("URIUpdated", number("agentId", true), text("newURI"), address("updatedBy", true)),
  event("MetadataSet", number("agentId", true), text("indexedMetadataKey", true), text("metadataKey"), {
    name: "metadataValue",
    type: "bytes",
    indexed: false,
  }),
  event("Transfer", address("from", true), address("to", true), number("tokenId", true)),
];

/** Of the Reputation Registry (EIP-8004). */
export const reputationEvents: readonly AbiItem[] = [
  event(
    "NewFeedback",
    number("agentId", true),
    address("clientAddress", true),
    { name: "feedbackIndex", type: "uint64", indexed: false },
    { name: "value", type: "int128", indexed: false },
    { name: "valueDecimals", type: "uint8", indexed: false },
    text("indexedTag1", true),
    text("tag1"),
    text("tag2"),
    text("endpoint"),
    text("feedbackURI"),
    { name: "feedbackHash", type: "bytes32", indexed: false },
  ),
  event("FeedbackRevoked", number("agentId", true), address("clientAddress", true), {
    name: "feedbackIndex",
    type: "uint64",
    indexed: true,
  }),
];
