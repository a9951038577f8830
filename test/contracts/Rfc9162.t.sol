// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Rfc9162} from "../../contracts/libraries/Rfc9162.sol";

/// The cheatcodes used here, as EDR and Foundry have them.
interface Vm {
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
}

/// Takes proofs from calldata, as the library wants them, and tells what a verification left behind.
contract Rfc9162Harness {
    function verifyInclusion(
        bytes32 leafHash,
        uint256 index,
        uint256 size,
        bytes32[] calldata proof,
        bytes32 root
    ) external view returns (bool) {
        return Rfc9162.verifyInclusion(leafHash, index, size, proof, root);
    }

    function verifyConsistency(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Rfc9162.verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof);
    }

    function memoryIsLeftAlone(bytes32[] calldata proof) external view returns (bool) {
        bytes memory before = abi.encode(uint256(1), "some text", proof);
        bytes32 digest = keccak256(before);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        Rfc9162.verifyConsistency(3, bytes32(0), 7, bytes32(0), proof);
        Rfc9162.verifyInclusion(bytes32(0), 5, 7, proof, bytes32(0));
        uint256 freeNow;
        uint256 zeroSlot;
        assembly ("memory-safe") {
            freeNow := mload(0x40)
            zeroSlot := mload(0x60)
        }
        return free == freeNow && zeroSlot == 0 && digest == keccak256(before);
    }
}

/// Holds the library to `protocol/vectors/rfc9162.json`, which the TypeScript tests read as well.
contract Rfc9162VectorsTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Rfc9162Harness private immutable harness = new Rfc9162Harness();

    function test_InclusionVectors() external view {
        string memory json = vm.readFile("protocol/vectors/rfc9162.json");
        uint256 i = 0;
        for (string memory key = _at("inclusion", 0); vm.keyExistsJson(json, key); key = _at("inclusion", ++i)) {
            bool valid = harness.verifyInclusion(
                vm.parseJsonBytes32(json, string.concat(key, ".leafHash")),
                vm.parseJsonUint(json, string.concat(key, ".index")),
                vm.parseJsonUint(json, string.concat(key, ".size")),
                vm.parseJsonBytes32Array(json, string.concat(key, ".proof")),
                vm.parseJsonBytes32(json, string.concat(key, ".root"))
            );
            bool expected = vm.parseJsonBool(json, string.concat(key, ".valid"));
            require(valid == expected, vm.parseJsonString(json, string.concat(key, ".name")));
        }
        require(i > 150, "vectors are missing");
    }

    function test_ConsistencyVectors() external view {
        string memory json = vm.readFile("protocol/vectors/rfc9162.json");
        uint256 i = 0;
        for (string memory key = _at("consistency", 0); vm.keyExistsJson(json, key); key = _at("consistency", ++i)) {
            bool valid = harness.verifyConsistency(
                vm.parseJsonUint(json, string.concat(key, ".oldSize")),
                vm.parseJsonBytes32(json, string.concat(key, ".oldRoot")),
                vm.parseJsonUint(json, string.concat(key, ".newSize")),
                vm.parseJsonBytes32(json, string.concat(key, ".newRoot")),
                vm.parseJsonBytes32Array(json, string.concat(key, ".proof"))
            );
            bool expected = vm.parseJsonBool(json, string.concat(key, ".valid"));
            require(valid == expected, vm.parseJsonString(json, string.concat(key, ".name")));
        }
        require(i > 200, "vectors are missing");
    }

    function _at(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(".", list, "[", Strings.toString(i), "]");
    }
}

/// Random trees, each hashed here by RFC 9162's recursion, and every field of their proofs changed in turn.
contract Rfc9162FuzzTest {
    uint256 private constant MAX_LEAVES = 80;
    Rfc9162Harness private immutable harness = new Rfc9162Harness();

    function testFuzz_InclusionHoldsAndNoChangeDoes(
        uint256 seed,
        uint256 size,
        uint256 index,
        uint256 change
    ) external view {
        size = 1 + (size % MAX_LEAVES);
        index = index % size;
        bytes32[] memory proof = _path(seed, index, 0, size);
        bytes32 leaf = _leaf(seed, index);
        bytes32 root = _mth(seed, 0, size);
        require(harness.verifyInclusion(leaf, index, size, proof, root), "the true proof");

        bytes32 bit = bytes32(1 << (change % 256));
        require(!harness.verifyInclusion(leaf ^ bit, index, size, proof, root), "leaf");
        require(!harness.verifyInclusion(leaf, index, size, proof, root ^ bit), "root");
        require(!harness.verifyInclusion(leaf, index, index, proof, root), "size not above index");
        require(!harness.verifyInclusion(leaf, size + index, size, proof, root), "index beyond size");
        if (size > 1) require(!harness.verifyInclusion(leaf, (index + 1) % size, size, proof, root), "next index");
        require(!harness.verifyInclusion(leaf, index, size, _with(proof, proof.length, root), root), "trailing");
        require(!harness.verifyInclusion(leaf, index, size, _with(proof, 0, leaf), root), "preceding");
        if (proof.length == 0) return;
        uint256 hit = change % proof.length;
        require(!harness.verifyInclusion(leaf, index, size, _without(proof, hit), root), "one hash missing");
        proof[hit] ^= bit;
        require(!harness.verifyInclusion(leaf, index, size, proof, root), "one hash changed");
    }

    function testFuzz_ConsistencyHoldsAndNoChangeDoes(
        uint256 seed,
        uint256 from,
        uint256 to,
        uint256 change
    ) external view {
        to = 2 + (to % (MAX_LEAVES - 1));
        from = 1 + (from % (to - 1));
        bytes32[] memory proof = _subproof(seed, from, 0, to, true);
        bytes32 oldRoot = _mth(seed, 0, from);
        bytes32 newRoot = _mth(seed, 0, to);
        require(harness.verifyConsistency(from, oldRoot, to, newRoot, proof), "the true proof");

        bytes32 bit = bytes32(1 << (change % 256));
        require(!harness.verifyConsistency(from, oldRoot ^ bit, to, newRoot, proof), "old root");
        require(!harness.verifyConsistency(from, oldRoot, to, newRoot ^ bit, proof), "new root");
        require(!harness.verifyConsistency(to, oldRoot, to, newRoot, proof), "old size as new");
        require(!harness.verifyConsistency(0, oldRoot, to, newRoot, proof), "old size 0");
        require(!harness.verifyConsistency(from, oldRoot, from, newRoot, proof), "new size as old");
        require(!harness.verifyConsistency(from, oldRoot, from - 1, newRoot, proof), "new size below old");
        require(!harness.verifyConsistency(from, newRoot, to, oldRoot, proof), "roots swapped");
        require(
            !harness.verifyConsistency(from, oldRoot, to, newRoot, _with(proof, proof.length, newRoot)),
            "trailing"
        );
        require(!harness.verifyConsistency(from, oldRoot, to, newRoot, _with(proof, 0, oldRoot)), "preceding");
        uint256 hit = change % proof.length;
        require(!harness.verifyConsistency(from, oldRoot, to, newRoot, _without(proof, hit)), "one hash missing");
        proof[hit] ^= bit;
        require(!harness.verifyConsistency(from, oldRoot, to, newRoot, proof), "one hash changed");
    }

    function testFuzz_NoForkIsConsistent(uint256 seed, uint256 from, uint256 to) external view {
        to = 2 + (to % (MAX_LEAVES - 1));
        from = 1 + (from % (to - 1));
        uint256 other = uint256(keccak256(abi.encode(seed)));
        bytes32[] memory proof = _subproof(other, from, 0, to, true);
        require(!harness.verifyConsistency(from, _mth(seed, 0, from), to, _mth(other, 0, to), proof), "forked");
    }

    function testFuzz_AnyProofEndsWithoutHarm(uint64 oldSize, uint64 newSize, bytes32[] calldata proof) external view {
        bytes32 root = keccak256("no tree");
        if (oldSize != 0 && oldSize < newSize) {
            require(!harness.verifyConsistency(oldSize, root, newSize, root, proof), "consistency");
        }
        require(!harness.verifyInclusion(keccak256("no leaf"), oldSize, newSize, proof, root), "inclusion");
        require(harness.memoryIsLeftAlone(proof), "memory");
    }

    /// The last hash of the proof is the root itself: were a failed call to the precompile taken for a result, that hash
    /// would be found where the result should be.
    function testFuzz_TooLittleGasNeverVerifies(uint256 seed, uint256 gasLimit) external view {
        bytes32[] memory proof = _path(seed, 21, 0, 64);
        bytes32 root = _mth(seed, 0, 64);
        proof[proof.length - 1] = root;
        bytes memory call = abi.encodeCall(Rfc9162Harness.verifyInclusion, (_leaf(seed, 21), 21, 64, proof, root));
        (bool ok, bytes memory answer) = address(harness).staticcall{gas: gasLimit % 8000}(call);
        require(!ok || !abi.decode(answer, (bool)), "a wrong proof verified");
    }

    function _leaf(uint256 seed, uint256 index) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), seed, index));
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    function _split(uint256 n) private pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    function _mth(uint256 seed, uint256 start, uint256 n) private pure returns (bytes32) {
        if (n == 1) return _leaf(seed, start);
        uint256 k = _split(n);
        return _node(_mth(seed, start, k), _mth(seed, start + k, n - k));
    }

    function _path(uint256 seed, uint256 m, uint256 start, uint256 n) private pure returns (bytes32[] memory) {
        if (n == 1) return new bytes32[](0);
        uint256 k = _split(n);
        if (m < k) return _append(_path(seed, m, start, k), _mth(seed, start + k, n - k));
        return _append(_path(seed, m - k, start + k, n - k), _mth(seed, start, k));
    }

    function _subproof(
        uint256 seed,
        uint256 m,
        uint256 start,
        uint256 n,
        bool whole
    ) private pure returns (bytes32[] memory) {
        if (m == n) return whole ? new bytes32[](0) : _append(new bytes32[](0), _mth(seed, start, n));
        uint256 k = _split(n);
        if (m <= k) return _append(_subproof(seed, m, start, k, whole), _mth(seed, start + k, n - k));
        return _append(_subproof(seed, m - k, start + k, n - k, false), _mth(seed, start, k));
    }

    function _append(bytes32[] memory list, bytes32 item) private pure returns (bytes32[] memory) {
        return _with(list, list.length, item);
    }

    function _with(
        bytes32[] memory list,
        uint256 position,
        bytes32 item
    ) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < longer.length; i++) {
            longer[i] =
                i < position
                    ? list[i]
                    : i == position
                        ? item
                        : list[i - 1];
        }
    }

    function _without(bytes32[] memory list, uint256 position) private pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](list.length - 1);
        for (uint256 i = 0; i < shorter.length; i++) shorter[i] = list[i < position ? i : i + 1];
    }
}
