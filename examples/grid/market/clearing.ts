/** What neighbours pay one another, between what the grid pays for surplus and what it takes for supply. Thousandths of a cent. */
export const feedInPrice = 8_000;
export const gridPrice = 32_000;

export interface Cleared {
  /** Sold within the neighbourhood. */
  readonly localWh: number;
  /** Taken from the grid; negative: given to it. */
  readonly gridWh: number;
  /** Thousandths of a cent a kWh. */
  readonly price: number;
}

/** Clears one hour: what is offered goes to neighbours first, at a price that falls as the offer covers the demand. */
export function clear(demandWh: number, offerWh: number): Cleared {
  const covered = demandWh === 0 ? 1 : Math.min(1, offerWh / demandWh);
  return {
    localWh: Math.min(demandWh, offerWh),
    gridWh: demandWh - offerWh,
    price: Math.round(gridPrice - (gridPrice - feedInPrice) * covered),
  };
}
