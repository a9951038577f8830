// SPDX-License-Identifier: GPL-3.0
pragma circom 2.1.6;

include "circomlib/circuits/babyjub.circom";
include "circomlib/circuits/poseidon.circom";

// The peer of `npm run bench -- zk`: the same statement as key-ownership.circom written the plain way, with circomlib's
// BabyPbk and no check of its own. It accepts six private keys for one commitment, and zero.
template PlainKeyOwnership() {
    signal input privateKey;
    signal input action;
    signal output commitment;

    component publicKey = BabyPbk();
    publicKey.in <== privateKey;
    component hash = Poseidon(2);
    hash.inputs[0] <== publicKey.Ax;
    hash.inputs[1] <== publicKey.Ay;
    commitment <== hash.out;

    signal actionSquare <== action * action;
}

component main {public [action]} = PlainKeyOwnership();
