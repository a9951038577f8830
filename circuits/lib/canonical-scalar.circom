// SPDX-License-Identifier: GPL-3.0
pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/compconstant.circom";
include "../generated/constants.circom";

// The bits of a scalar of BabyJubJub's prime subgroup, least significant first.
//
// in:  1 <= in < l. Anything else has no witness.
// out: the one decomposition of `in`.
//
// BabyJubJub's field has about 8 times as many elements as its subgroup, so without the bound k, k + l, k + 2l, ... give
// one public key: circomlib's BabyPbk accepts six private keys for each. The bound is put on the very bits that leave
// here, not on a second decomposition that a prover could choose differently.
template CanonicalScalarBits() {
    signal input in;
    signal output out[subgroupBits()];

    // Zero has no inverse. Its public key is the neutral point, which everybody knows a private key of.
    signal inverse <-- in != 0 ? 1 / in : 0;
    in * inverse === 1;

    // 251 bits stay below r, so the sum of the bits cannot wrap around the field.
    component decomposition = Num2Bits(subgroupBits());
    decomposition.in <== in;
    out <== decomposition.out;

    // CompConstant compares 254 bits and says 1 for "greater than".
    component exceeds = CompConstant(subgroupOrder() - 1);
    for (var i = 0; i < 254; i++) {
        exceeds.in[i] <== i < subgroupBits() ? out[i] : 0;
    }
    exceeds.out === 0;
}
