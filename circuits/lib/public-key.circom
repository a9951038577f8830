// SPDX-License-Identifier: GPL-3.0
pragma circom 2.1.6;

include "circomlib/circuits/escalarmulfix.circom";
include "canonical-scalar.circom";
include "../generated/constants.circom";

// The public key of a BabyJubJub private key: (x, y) = privateKey * Base8.
//
// privateKey: in [1, l), constrained.
// x, y:       in the prime subgroup and not neutral, since the private key is in range.
template PublicKey() {
    signal input privateKey;
    signal output x;
    signal output y;

    component scalar = CanonicalScalarBits();
    scalar.in <== privateKey;

    component product = EscalarMulFix(subgroupBits(), subgroupGenerator());
    product.e <== scalar.out;
    x <== product.out[0];
    y <== product.out[1];
}
