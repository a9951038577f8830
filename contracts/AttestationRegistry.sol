// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationStore} from "./attestation/AttestationStore.sol";
import {AttestationVerdicts} from "./attestation/AttestationVerdicts.sol";
import {AttestationStatus, IAttestationWriter, RoundSchedule} from "./interfaces/IAttestationRegistry.sol";

/// @title AttestationRegistry, which outside is an IAttestationRegistry
/// @dev Lives behind an ERC1967Proxy (UUPS). In `attestation/`: storage and records (AttestationStore), enrolment and
/// roster (AttestationRoster), rounds (AttestationRounds), who verifies whom (AttestationPanels), verdicts and what
/// follows from them (AttestationVerdicts). What is only read is in AttestationReader, because all of it together would
/// not fit into one contract (EIP-170).
contract AttestationRegistry is AttestationVerdicts {
    /// @dev Part of the code, so that it changes with an upgrade and not otherwise.
    address private immutable READER;

    /// @param reader an AttestationReader; it runs on this contract's storage and has functions that only read.
    /// @param agentRegistry_ says who owns an agent.
    constructor(address reader, address agentRegistry_) AttestationStore(agentRegistry_) {
        READER = reader;
    }

    /// @param accessManager holds the roles that upgrade and freeze, and the attestation service's.
    function initialize(address accessManager) external initializer {
        __AccessManaged_init(accessManager);
        _setSchedule(
            RoundSchedule({drawDelay: 2, drawWindow: 100, silenceDelay: 25, roundLength: 100, trustLength: 7200})
        );
    }

    /// @inheritdoc IAttestationWriter
    function isTrusted(address agent) external view returns (bool) {
        return _derivedNow(_agent(agent)) == AttestationStatus.Trusted && _activeOwner(agent) != address(0);
    }

    /// @dev To the reader, on this storage.
    // Reads live in a second code behind this address (ADR 0008).
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address reader = READER;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), reader, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) {
                revert(0, returndatasize())
            }
            return(0, returndatasize())
        }
    }
}
