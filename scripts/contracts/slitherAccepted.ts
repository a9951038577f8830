/** What Slither finds in our sources was looked at: by detector and place, why it may stay. Each must still be found. */
export interface AcceptedBySlither {
  readonly check: string;
  /** Of the finding's first line: `Contract.function(types)` comes first. */
  readonly place: RegExp;
  readonly why: string;
}

export const acceptedBySlither: readonly AcceptedBySlither[] = [
  {
    check: "encode-packed-collision",
    place: /^VerifierRegistry\.verifyProof\(/,
    why: "calldata, not a hash: both lengths are checked against the circuit's before (`_checkForm`)",
  },
  {
    check: "incorrect-return",
    place: /^KeyOwnershipVerifier\.verifyProof/,
    why: "snarkjs' template ends the whole call with the verdict from inside its assembly, as it means to",
  },
  {
    check: "incorrect-equality",
    place: /^VerifierRegistry\.verifyProof\(/,
    why: "the verifier's answer is one word, 1: whatever else it says is no proof",
  },
  {
    check: "uninitialized-local",
    place: /^(AttestationVerdicts|AttestationEnrolments|EscrowEpochs|LogAnchor)\./,
    why: "counts, lists and structs that begin at zero, which is what Solidity gives them",
  },
  {
    check: "unused-return",
    place:
      /^(AgentKeys\._revokeSigningKey|AttestationHearing\._hear|AttestationStore\._isService|OwnerSignature\.isValid)\(/,
    why: "one value of several is what is asked for; the recovered address is compared, so that an error in recovering is a mismatch",
  },
  {
    check: "write-after-write",
    place: /^Rfc9162\._climb\(/,
    why: "a call of SHA-256 fails for want of gas alone, and gas only falls: if one fails, so does the last, whose word is asked",
  },
  {
    check: "shadowing-local",
    place: /^(I?Agent\w+)\.\w+\(.*\)\.nonce /,
    why: "an argument `nonce` beside IERC1056's mapping getter of that name, which none of these functions reads",
  },
  {
    check: "missing-zero-check",
    place: /^AttestationRegistry\.constructor\(/,
    why: "the module that deploys it hands over the desk it has just made; the migration test reads through it",
  },
  {
    check: "calls-loop",
    place:
      /^(AttestationStore\._activeOwner|ContractRegistry\.checkChain|EscrowStore\._breaks|EscrowStore\._activeOwner)\(/,
    why: "of our own registries, by staticcall, at most 21, 32, 1,024 and 150 times: test/contracts/largestOperations.test.ts",
  },
  {
    check: "timestamp",
    place: /./,
    why: "deadlines of signatures and activations, in seconds by their meaning: a producer of blocks moves them by seconds",
  },
];
