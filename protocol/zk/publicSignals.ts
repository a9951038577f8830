import { AffiantError } from "../errors/affiantError.ts";
import { scalarFieldOrder } from "./fields.ts";

/**
 * The public signals of each circuit in the order of its r1cs: outputs, then public inputs as the circuit declares them.
 * This table is the only place that knows the order; a test compares it with the compiled circuit's symbols.
 */
export const publicSignalTable = {
  "key-ownership": ["commitment", "action"],
} as const;

export type CircuitName = keyof typeof publicSignalTable;
export type PublicSignals<Circuit extends CircuitName> = Readonly<
  Record<(typeof publicSignalTable)[Circuit][number], bigint>
>;

/**
 * The signals by position, as verifiers want them.
 * @throws AffiantError ERR_INPUT_PROOF if one is not in [0, r)
 */
export function toSignalArray<Circuit extends CircuitName>(
  circuit: Circuit,
  signals: PublicSignals<Circuit>,
): bigint[] {
  return publicSignalTable[circuit].map((name: (typeof publicSignalTable)[Circuit][number]) =>
    checkSignal(name, signals[name]),
  );
}

/**
 * The signals by name, from an array of a prover.
 * @throws AffiantError ERR_INPUT_PROOF if the length is not the circuit's or one is not in [0, r)
 */
export function fromSignalArray<Circuit extends CircuitName>(
  circuit: Circuit,
  values: readonly bigint[],
): PublicSignals<Circuit> {
  const names = publicSignalTable[circuit];
  if (values.length !== names.length) {
    throw new AffiantError("ERR_INPUT_PROOF", `${circuit} has ${names.length} public signals, got ${values.length}`);
  }
  const entries = names.map((name, index) => [name, checkSignal(name, values[index])] as const);
  return Object.fromEntries(entries) as PublicSignals<Circuit>;
}

function checkSignal(name: string, value: bigint | undefined): bigint {
  if (value === undefined || value < 0n || value >= scalarFieldOrder) {
    throw new AffiantError("ERR_INPUT_PROOF", `the public signal ${name} is not a reduced field element`, {
      details: { signal: name },
    });
  }
  return value;
}
