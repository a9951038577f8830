/** The parts of circomlibjs used in tests; the package has no types of its own. */
declare module "circomlibjs" {
  interface Field {
    toString(element: unknown): string;
  }
  export function buildPoseidon(): Promise<{ (inputs: readonly unknown[]): unknown; readonly F: Field }>;
  export function buildBabyjub(): Promise<{
    readonly Base8: unknown;
    readonly F: Field;
    mulPointEscalar(point: unknown, scalar: bigint): readonly [unknown, unknown];
  }>;
}
