import { EventFragment } from "ethers";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { readerOf } from "./abiReader.ts";
import type { FollowedContract } from "./contracts.ts";
import type { ChainEvent, RawEvent } from "./event.ts";

interface Known {
  readonly contract: string;
  readonly events: ReadonlyMap<string, { readonly name: string; readonly read: ReturnType<typeof readerOf> }>;
}

/**
 * Reads logs of the followed contracts. A log that none of their ABIs names, or whose data are not of the named form, is kept
 * under the name `unknown`: after an upgrade a contract may say what this version does not know, and a later one will.
 */
export class EventReader {
  readonly #byAddress: ReadonlyMap<string, Known>;

  constructor(contracts: readonly FollowedContract[]) {
    this.#byAddress = new Map(contracts.map((contract) => [contract.address, knownOf(contract)]));
  }

  read(raw: RawEvent): ChainEvent {
    const known = this.#byAddress.get(raw.address);
    const contract = known?.contract ?? "unknown";
    const event = known?.events.get(raw.topics[0] ?? "");
    if (event) {
      try {
        return { ...raw, contract, name: event.name, args: event.read(raw.topics, raw.data) };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return { ...raw, contract, name: "unknown", args: {} };
  }
}

function knownOf({ name, abi }: FollowedContract): Known {
  const events = abi
    .filter((item) => item.type === "event" && item.anonymous !== true)
    .map((item) => {
      const topic = EventFragment.from(item).topicHash as Hex;
      return [topic, { name: item.name ?? "", read: readerOf(item.inputs ?? []) }] as const;
    });
  return { contract: name, events: new Map(events) };
}
