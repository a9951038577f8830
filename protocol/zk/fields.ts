/**
 * The numbers every part of a proof lives in. Circuits, generated verifiers and contracts state them again; tests compare.
 */

/** Order of BN254's group G1, and so of the field of every signal (EIP-196 calls it `q` in places: it is `r` here). */
export const scalarFieldOrder = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Order of the field that coordinates of BN254's points live in. */
export const baseFieldOrder = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Order of BabyJubJub's prime subgroup, `l` (EIP-2494). A private key is in [1, l). */
export const subgroupOrder = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

/** How many bits hold every number below `subgroupOrder`. */
export const subgroupBits = 251;

/** Generator of BabyJubJub's prime subgroup: `Base8` of circomlib, `B` of EIP-2494. */
export const subgroupGenerator = {
  x: 5299619240641551281634865583518297030282874472190772894086521144482721001553n,
  y: 16950150798460657717958625567821834550301663161624707787222815936182638968203n,
} as const;
