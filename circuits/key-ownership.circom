// SPDX-License-Identifier: GPL-3.0
pragma circom 2.1.6;

include "circomlib/circuits/poseidon.circom";
include "lib/public-key.circom";

// "I know the private key behind `commitment`, and I mean `action`."
//
// Private
//   privateKey  BabyJubJub scalar. Constrained to [1, l), so one key has one witness.
// Public, in this order
//   commitment  Poseidon(x, y) of privateKey * Base8. Constrained to be just that.
//   action      uint256(EIP-712 digest of the typed claim) >> 8, so below 2^248. Bound to the proof and otherwise free.
//
// Not constrained here, and whose work it is
//   - that `action` is below 2^248 or belongs to any claim: the contract computes it from the claim's typed arguments;
//   - that public signals are below r, and coordinates below q: the contract, and everyone who verifies off chain;
//   - that a claim is used once, by whom, on which chain and until when: nonce, recipient, domain and deadline of the
//     claim. A proof itself can be re-randomised by anyone and must never serve as a replay key;
//   - freshness of the key: nothing shows when or how it was made.
template KeyOwnership() {
    signal input privateKey;
    signal input commitment;
    signal input action;

    component publicKey = PublicKey();
    publicKey.privateKey <== privateKey;

    component hash = Poseidon(2);
    hash.inputs[0] <== publicKey.x;
    hash.inputs[1] <== publicKey.y;
    commitment === hash.out;

    // `action` occurs in no other constraint. A signal in no constraint at all would leave it to the prover's software
    // whether the proof depends on it; the square ties it in, and no optimisation removes it.
    signal actionSquare <== action * action;
}

component main {public [commitment, action]} = KeyOwnership();
