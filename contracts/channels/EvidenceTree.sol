// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Growing an RFC 9162 tree whose leaves are not at hand
/// @notice Its frontier, the roots of the perfect trees that it is made of, is all that is needed.
library EvidenceTree {
    /// @notice Root of the tree with no leaf: SHA-256 of nothing.
    bytes32 internal constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice The hash of a digest as a leaf.
    function hashLeaf(bytes32 digest) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Scratch: a byte of zero, then the digest.
            mstore8(0x00, 0)
            mstore(0x01, digest)
            // It fails only for want of gas: a tree must never be built on a hash that was not computed.
            if iszero(staticcall(gas(), 2, 0x00, 33, 0x00, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0x00)
        }
    }

    /// @notice The hash of a node over two others.
    function hashNode(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // At the free memory pointer: nothing is allocated.
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            mstore(add(buffer, 1), left)
            mstore(add(buffer, 33), right)
            // As above.
            if iszero(staticcall(gas(), 2, buffer, 65, 0x00, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0x00)
        }
    }

    /// @notice Root of the tree with this frontier.
    /// @param length How many of the peaks count.
    function rootOf(bytes32[] memory peaks, uint256 length) internal view returns (bytes32 root) {
        if (length == 0) return EMPTY;
        root = peaks[length - 1];
        for (uint256 i = length - 1; i != 0; --i) root = hashNode(peaks[i - 1], root);
    }

    /// @notice Puts a leaf at the end; peaks has room for one more.
    /// @return The new number of peaks.
    function append(
        bytes32[] memory peaks,
        uint256 length,
        uint256 count,
        bytes32 leaf
    ) internal view returns (uint256) {
        // A tree of 2^k leaves at the end takes in the next one of its size, and so on.
        for (; count & 1 == 1; count >>= 1) leaf = hashNode(peaks[--length], leaf);
        peaks[length] = leaf;
        return length + 1;
    }
}
