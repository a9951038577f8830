import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Places for entries of which it is not known yet whose they are. They are apart from the queue of those that are known, so that
 * inventions never make it full; and one address takes half of them at most, so that it does not keep the others out.
 */
export class Strangers {
  readonly #places: number;
  readonly #bySource = new Map<string, number>();
  #held = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get held(): number {
    return this.#held;
  }

  /**
   * @returns to be called when it is known whose they are
   * @throws AffiantError ERR_LIMIT_RATE
   */
  enter(source: string, count: number): () => void {
    const before = this.#bySource.get(source) ?? 0;
    const share = Math.max(1, Math.floor(this.#places / 2));
    // Whoever has none yet is let in with one batch, however small the places are set.
    const isBeyond = before > 0 && before + count > share;
    if (isBeyond || (this.#held > 0 && this.#held + count > this.#places)) {
      throw new AffiantError("ERR_LIMIT_RATE", "too many entries at a time that nobody is known for", {
        details: { retryAfterSec: 1 },
      });
    }
    this.#bySource.set(source, before + count);
    this.#held += count;
    return () => {
      const left = (this.#bySource.get(source) ?? 0) - count;
      if (left > 0) this.#bySource.set(source, left);
      else this.#bySource.delete(source);
      this.#held -= count;
    };
  }
}
