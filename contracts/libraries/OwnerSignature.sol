// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of accounts of every kind
library OwnerSignature {
    /// Code of an account that delegated to a contract is this, then the contract's address (EIP-7702).
    bytes3 private constant DELEGATION_PREFIX = 0xef0100;
    uint256 private constant DELEGATION_LENGTH = 23;

    /// @notice Whether `signature` over `digest` speaks for `signer`: by its key, or as a contract says (ERC-1271).
    /// @dev The key of an EIP-7702 account keeps all its power whatever code the account has delegated to, so its own
    /// signature counts first; a delegate that speaks ERC-1271 may sign as well. Without this, an agent that delegates
    /// to a wallet without ERC-1271 would lose its identity for as long.
    function isValid(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (signer.code.length == 0 || isDelegated(signer)) {
            (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
            if (problem == ECDSA.RecoverError.NoError && recovered == signer) return true;
            if (signer.code.length == 0) return false;
        }
        return SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    function isDelegated(address account) private view returns (bool) {
        if (account.code.length != DELEGATION_LENGTH) return false;
        bytes32 start;
        assembly ("memory-safe") {
            mstore(0, 0)
            extcodecopy(account, 0, 0, 3)
            start := mload(0)
        }
        return bytes3(start) == DELEGATION_PREFIX;
    }
}
