// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationEnrolments} from "./AttestationEnrolments.sol";
import {AttestationOpening} from "./AttestationOpening.sol";
import {AttestationReader} from "./AttestationReader.sol";
import {AttestationStore} from "./AttestationStore.sol";

/// @title The second code of AttestationRegistry: who is enrolled, how rounds begin, and what everybody may read
/// @dev AttestationRegistry hands it the calls that it does not know itself; it runs on that contract's storage, under that
/// contract's address. Alone it is nothing: it has no authority that could let anybody in. Warning: a function of a
/// selector that AttestationRegistry has as well is never reached.
contract AttestationDesk is AttestationEnrolments, AttestationOpening, AttestationReader {
    /// @param agentRegistry_ the same as that of the registry which hands it calls.
    // solhint-disable-next-line no-empty-blocks
    constructor(address agentRegistry_) AttestationStore(agentRegistry_) {}
}
