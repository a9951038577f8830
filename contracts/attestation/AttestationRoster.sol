// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationWords, AttestedAgent, RoundClock} from "../types/AttestationWords.sol";
import {AttestationStore} from "./AttestationStore.sol";

/// @title Who is drawn
/// @dev The roster is append-only while a round is open, so that opening a round freezes it by its length alone. Agents
/// that join stand behind that length; those that leave keep their place, and their seats, until the round is over.
abstract contract AttestationRoster is AttestationStore {
    /// @dev Appends; a round that is open knows nothing of it. The caller saves `a`.
    function _join(address agent, AttestedAgent memory a) internal {
        if (a.place != 0) return;
        uint256[] storage roster = _store().roster;
        roster.push(_entry(agent, _store().enrolments[a.enrolment].operator));
        a.place = AttestationWords.raised(roster.length - 1, 24);
        emit RosterJoined(agent, a.place - 1);
    }

    /// @dev The caller saves `a`.
    function _leave(address agent, AttestedAgent memory a, RoundClock memory clock) internal {
        if (a.place == 0) return;
        if (_isOpen(clock)) _store().departures.push(agent);
        else _remove(agent, a);
    }

    function _prune(uint256 limit) internal {
        address[] storage departures = _store().departures;
        for (uint256 left = departures.length; left > 0 && limit > 0; --left) {
            address agent = departures[left - 1];
            departures.pop();
            --limit;
            AttestedAgent memory a = _agent(agent);
            // It may have been enrolled anew meanwhile; then it stays.
            if (!_isOut(a) || a.place == 0) continue;
            _remove(agent, a);
            _save(agent, a);
        }
    }

    function _remove(address agent, AttestedAgent memory a) private {
        AttestationRegistryStorage storage $ = _store();
        uint256 last = $.roster[$.roster.length - 1];
        address moved = address(uint160(last));
        if (moved != agent) {
            $.roster[a.place - 1] = last;
            AttestedAgent memory other = _agent(moved);
            other.place = a.place;
            _save(moved, other);
        }
        $.roster.pop();
        a.place = 0;
        emit RosterLeft(agent);
    }

    function _entry(address agent, address operator) internal pure returns (uint256) {
        return uint256(uint160(agent)) | (uint256(uint88(uint160(operator))) << 160);
    }
}
