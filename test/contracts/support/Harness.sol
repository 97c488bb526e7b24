// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { CommitteeBlob } from "../../../contracts/libraries/CommitteeBlob.sol";
import { CompactSignatures } from "../../../contracts/libraries/CompactSignatures.sol";
import { Rfc9162 } from "../../../contracts/libraries/Rfc9162.sol";

/// @notice The libraries' functions, callable from a test.
contract Harness {
    function hashLeaf(bytes calldata entry) external pure returns (bytes32) {
        return Rfc9162.hashLeaf(entry);
    }

    function verifyInclusion(
        bytes32 leafHash,
        uint256 leafIndex,
        uint256 treeSize,
        bytes32 root,
        bytes32[] calldata path
    ) external view returns (bool) {
        return Rfc9162.verifyInclusion(leafHash, leafIndex, treeSize, root, path);
    }

    function verifyConsistency(
        uint256 fromSize,
        bytes32 fromRoot,
        uint256 toSize,
        bytes32 toRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Rfc9162.verifyConsistency(fromSize, fromRoot, toSize, toRoot, proof);
    }

    function popcount(uint256 bits) external pure returns (uint256) {
        return CompactSignatures.popcount(bits);
    }

    function addressOf(address writer, uint64 epoch) external pure returns (address) {
        return CommitteeBlob.addressOf(writer, epoch);
    }

    /// @dev Writes, then checks that reading leaves other memory alone and gives the same members.
    function writeAndRead(address[] memory members) external returns (address pointer, address[] memory read) {
        bytes32 before = keccak256(abi.encode(members));
        pointer = CommitteeBlob.write(CommitteeBlob.pack(members));
        bytes memory marker = abi.encode(uint256(1), uint256(2));
        read = CommitteeBlob.read(pointer);
        bytes memory packed = CommitteeBlob.load(pointer);
        require(CommitteeBlob.count(packed) == members.length, "count");
        for (uint256 i = 0; i < members.length; ++i) require(CommitteeBlob.memberAt(packed, i) == members[i], "member");
        for (uint256 i = 0; i < members.length; ++i) {
            uint256 index = CommitteeBlob.indexOf(packed, members[i]);
            require(index <= i && members[index] == members[i], "index");
        }
        address stranger = address(uint160(uint256(keccak256(packed))));
        // Behind the blob in memory, where a member would be that does not belong to it.
        bytes memory behind = abi.encodePacked(bytes32(0), stranger, stranger, stranger);
        require(CommitteeBlob.indexOf(packed, stranger) == members.length, "stranger");
        require(behind.length == 92, "behind");
        require(keccak256(abi.encode(members)) == before, "members overwritten");
        require(keccak256(marker) == keccak256(abi.encode(uint256(1), uint256(2))), "memory overwritten");
    }
}
