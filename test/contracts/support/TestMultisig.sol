// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev Stands for the multisig of an operator: so many of its owners have to agree on a call before it is made.
contract TestMultisig {
    error NotAnOwner(address caller);
    error TooFewApprovals(uint256 got, uint256 limit);

    uint256 public immutable THRESHOLD;
    mapping(address => bool) public isOwner;
    mapping(bytes32 call => mapping(address owner => bool)) private _approved;
    mapping(bytes32 call => uint256) public approvals;

    constructor(address[] memory owners, uint256 threshold) {
        for (uint256 i = 0; i < owners.length; ++i) isOwner[owners[i]] = true;
        THRESHOLD = threshold;
    }

    function approve(address to, bytes calldata data) external {
        if (!isOwner[msg.sender]) revert NotAnOwner(msg.sender);
        bytes32 id = keccak256(abi.encode(to, data));
        if (!_approved[id][msg.sender]) approvals[id] += 1;
        _approved[id][msg.sender] = true;
    }

    function execute(address to, bytes calldata data) external {
        uint256 got = approvals[keccak256(abi.encode(to, data))];
        if (got < THRESHOLD) revert TooFewApprovals(got, THRESHOLD);
        (bool success, bytes memory answer) = to.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}
