// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AttestationSchedule} from "../libraries/AttestationSchedule.sol";
import {AttestedAgent, RoundClock} from "../types/AttestationWords.sol";
import {AttestationStore} from "./AttestationStore.sol";

/// @dev Walks over the verifiers of one target. `tags`, `others` and `own` have room for all candidates.
/// @param scanned candidates looked at so far, along the ring.
/// @param windowEnd where the walk over the ring pauses, to hand out those it held back.
/// @param tags operators seen, the target's first.
/// @param others held back, for sharing their operator with a candidate before.
/// @param own held back, for sharing the target's operator.
struct PanelWalk {
    AttestationSchedule.Order order;
    uint256 position;
    uint256 count;
    uint256 scanned;
    uint256 windowEnd;
    uint256[] tags;
    uint256 tagCount;
    uint256[] held;
    uint256 othersCount;
    uint256 othersGiven;
    uint256 ownCount;
    uint256 ownGiven;
}

/// @title Which agents verify a target, in which order
/// @notice Along the ring, agents of operators that neither the target nor an agent before them has come first, then the
/// others, last those of the target's own operator; and so anew for each eight agents along the ring, which bounds how
/// many have to be read.
abstract contract AttestationPanels is AttestationStore {
    /// @dev Verifiers of a target, where the set is large enough.
    uint256 internal constant PANEL_SEATS = 3;
    /// @dev Fresh verifiers that judge an agent in quarantine.
    uint256 internal constant FRESH_SEATS = 5;
    /// @dev Strikes in a row that end trust.
    uint256 internal constant STRIKES = 3;

    uint256 private constant WINDOW = 8;

    /// @dev One seat where nobody can be drawn: the service's.
    function _seats(uint256 count) internal pure returns (uint256) {
        return count == 0 ? 1 : Math.min(PANEL_SEATS, count);
    }

    function _walk(
        address target,
        AttestedAgent memory a,
        RoundClock memory clock,
        bytes32 seed
    ) internal view returns (PanelWalk memory walk) {
        if (a.place == 0 || a.place > clock.size) revert NotInRound(target, clock.round);
        walk.count = AttestationSchedule.candidateCount(clock.size);
        if (walk.count == 0) return walk;
        walk.order = AttestationSchedule.order(seed, clock.size, clock.sizeRoot);
        walk.position = AttestationSchedule.positionOf(walk.order, a.place - 1);
        walk.windowEnd = Math.min(WINDOW, walk.count);
        walk.tags = new uint256[](walk.count + 1);
        walk.tags[0] = _tagOf(_entryAt(a.place - 1));
        walk.tagCount = 1;
        walk.held = new uint256[](2 * walk.count);
    }

    /// @return entry of the roster, of the next one in turn; zero when there are no more.
    function _next(PanelWalk memory walk) internal view returns (uint256 entry) {
        unchecked {
            while (true) {
                while (walk.scanned < walk.windowEnd) {
                    uint256 position = (walk.position + ++walk.scanned) % walk.order.size;
                    entry = _entryAt(AttestationSchedule.placeAt(walk.order, position));
                    uint256 class = _class(walk, _tagOf(entry));
                    if (class == 0) {
                        walk.tags[walk.tagCount++] = _tagOf(entry);
                        return entry;
                    }
                    if (class == 1) walk.held[walk.othersCount++] = entry;
                    else walk.held[walk.count + walk.ownCount++] = entry;
                }
                if (walk.othersGiven < walk.othersCount) return walk.held[walk.othersGiven++];
                if (walk.ownGiven < walk.ownCount) return walk.held[walk.count + walk.ownGiven++];
                if (walk.windowEnd == walk.count) return 0;
                walk.windowEnd = Math.min(walk.windowEnd + WINDOW, walk.count);
            }
        }
    }

    /// @dev 0 = an operator not seen yet, 1 = one of a candidate before, 2 = the target's.
    function _class(PanelWalk memory walk, uint256 tag) private pure returns (uint256) {
        unchecked {
            if (walk.tags[0] == tag) return 2;
            for (uint256 i = 1; i < walk.tagCount; ++i) if (walk.tags[i] == tag) return 1;
            return 0;
        }
    }

    function _tagOf(uint256 entry) internal pure returns (uint256) {
        return uint88(entry >> 160);
    }
}
