// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationStore} from "./attestation/AttestationStore.sol";
import {AttestedAgent} from "./types/AttestationWords.sol";
import {AttestationVerdicts} from "./attestation/AttestationVerdicts.sol";
import {IAttestationRounds, RoundSchedule} from "./interfaces/IAttestationRegistry.sol";

/// @title AttestationRegistry, which outside is an IAttestationRegistry
/// @dev Lives behind an ERC1967Proxy (UUPS). In `attestation/`: storage and records (AttestationStore), the roster
/// (AttestationRoster), rounds (AttestationRounds), who verifies whom (AttestationPanels), verdicts and what follows from
/// them (AttestationVerdicts). Enrolment, the opening of rounds and what is only read are in AttestationDesk, because all of it together would not
/// fit into one contract (EIP-170).
contract AttestationRegistry is AttestationVerdicts {
    /// @dev Part of the code, so that it changes with an upgrade and not otherwise.
    address private immutable DESK;

    /// @param desk an AttestationDesk; it runs on this contract's storage.
    /// @param agentRegistry_ says who owns an agent.
    constructor(address desk, address agentRegistry_) AttestationStore(agentRegistry_) {
        DESK = desk;
    }

    /// @param accessManager holds the roles that upgrade and freeze, and the attestation service's.
    /// @param schedule_ in blocks of the chain that it is deployed to.
    function initialize(address accessManager, RoundSchedule calldata schedule_) external initializer {
        __AccessManaged_init(accessManager);
        _setSchedule(schedule_);
    }

    /// @inheritdoc IAttestationRounds
    function isTrusted(address agent) external view returns (bool) {
        return _isTrusted(agent, _agent(agent));
    }

    /// @inheritdoc IAttestationRounds
    function trustOf(address agent) external view returns (bool trusted, uint256 losses) {
        AttestedAgent memory a = _agent(agent);
        return (_isTrusted(agent, a), a.marked ? _store().marks[agent].losses : 0);
    }

    /// @dev To the desk, on this storage.
    // Enrolment, openings and reads live in a second code behind this address (ADR 0008).
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address desk = DESK;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), desk, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) {
                revert(0, returndatasize())
            }
            return(0, returndatasize())
        }
    }
}
