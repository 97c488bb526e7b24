// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Harness } from "./support/Harness.sol";
import { ReferenceTree } from "./support/ReferenceTree.sol";

contract LibrariesTest {
    Harness private harness = new Harness();

    function test_fuzz_inclusion(uint8 index, uint8 size) external view {
        uint256 n = 1 + (uint256(size) % 80);
        uint256 m = index % n;
        bytes32 root = ReferenceTree.root(0, n);
        bytes32[] memory path = ReferenceTree.inclusion(m, 0, n);
        bytes32 leaf = ReferenceTree.leaf(m);
        require(harness.verifyInclusion(leaf, m, n, root, path), "true proof refused");
        require(!harness.verifyInclusion(leaf, m + n, n, root, path), "index beyond the tree");
        require(!harness.verifyInclusion(ReferenceTree.leaf(m + 1), m, n, root, path), "other leaf");
        if (n > 1) require(!harness.verifyInclusion(leaf, (m + 1) % n, n, root, path), "other index");
    }

    function test_fuzz_inclusionMutated(uint8 index, uint8 size, uint8 place, uint256 flip) external view {
        uint256 n = 2 + (uint256(size) % 80);
        uint256 m = index % n;
        bytes32[] memory path = ReferenceTree.inclusion(m, 0, n);
        if (flip == 0) flip = 1;
        uint256 i = place % path.length;
        path[i] = bytes32(uint256(path[i]) ^ flip);
        require(
            !harness.verifyInclusion(ReferenceTree.leaf(m), m, n, ReferenceTree.root(0, n), path),
            "mutated path taken"
        );
    }

    function test_fuzz_consistency(uint8 from, uint8 to) external view {
        uint256 n = 1 + (uint256(to) % 80);
        uint256 m = 1 + (uint256(from) % n);
        bytes32[] memory proof = ReferenceTree.consistency(m, n);
        bytes32 old = ReferenceTree.root(0, m);
        bytes32 root = ReferenceTree.root(0, n);
        require(harness.verifyConsistency(m, old, n, root, proof), "true proof refused");
        require(!harness.verifyConsistency(m, old, n, ~root, proof), "other root");
        require(!harness.verifyConsistency(m, ~old, n, root, proof), "other old root");
        if (m < n) require(!harness.verifyConsistency(n, root, m, old, proof), "shrinking");
    }

    function test_fuzz_consistencyMutated(uint8 from, uint8 to, uint8 place, uint256 flip) external view {
        uint256 n = 2 + (uint256(to) % 80);
        uint256 m = 1 + (uint256(from) % (n - 1));
        bytes32[] memory proof = ReferenceTree.consistency(m, n);
        if (flip == 0) flip = 1;
        uint256 i = place % proof.length;
        proof[i] = bytes32(uint256(proof[i]) ^ flip);
        require(
            !harness.verifyConsistency(m, ReferenceTree.root(0, m), n, ReferenceTree.root(0, n), proof),
            "mutated proof taken"
        );
    }

    function test_fuzz_popcount(uint256 bits) external view {
        uint256 count = 0;
        for (uint256 rest = bits; rest != 0; rest >>= 1) count += rest & 1;
        require(harness.popcount(bits) == count, "popcount");
    }

    function test_popcount_edges() external view {
        require(harness.popcount(0) == 0, "none");
        require(harness.popcount(type(uint256).max) == 256, "all");
        for (uint256 i = 0; i < 256; ++i) require(harness.popcount(1 << i) == 1, "one");
        for (uint256 i = 0; i < 256; ++i) require(harness.popcount(type(uint256).max >> i) == 256 - i, "low ones");
    }

    function test_fuzz_blob(address[] calldata members) external {
        (, address[] memory read) = harness.writeAndRead(members);
        require(keccak256(abi.encode(members)) == keccak256(abi.encode(read)), "other members");
    }

    function test_blob_ofTheGreatestCommittee() external {
        address[] memory members = new address[](256);
        for (uint256 i = 0; i < 256; ++i) members[i] = address(uint160(uint256(keccak256(abi.encode(i)))));
        (address pointer, address[] memory read) = harness.writeAndRead(members);
        require(keccak256(abi.encode(members)) == keccak256(abi.encode(read)), "other members");
        require(pointer.code.length == 1 + 256 * 20, "size");
        require(pointer.code[0] == 0x00, "not a STOP");
    }

    /// @dev The nonce is the epoch for as long as nothing else is created: looked at over the edges of its encoding.
    function test_addressOf_isWhereTheBlobGoes() external {
        address[] memory members = new address[](1);
        members[0] = address(this);
        for (uint64 epoch = 1; epoch <= 300; ++epoch) {
            (address pointer, ) = harness.writeAndRead(members);
            require(pointer == harness.addressOf(address(harness), epoch), "elsewhere");
        }
    }
}
