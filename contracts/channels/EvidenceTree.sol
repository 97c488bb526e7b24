// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Growing an RFC 9162 tree whose leaves are not at hand
/// @notice Its frontier, the roots of the perfect trees that it is made of, is all that is needed.
library EvidenceTree {
    /// @notice Root of the tree with no leaf: SHA-256 of nothing.
    bytes32 internal constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice The hash of a digest as a leaf.
    function hashLeaf(bytes32 digest) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), digest));
    }

    function hashNode(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice Root of the tree with this frontier.
    /// @param length How many of the peaks count.
    function rootOf(bytes32[] memory peaks, uint256 length) internal pure returns (bytes32 root) {
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
    ) internal pure returns (uint256) {
        // A tree of 2^k leaves at the end takes in the next one of its size, and so on.
        for (; count & 1 == 1; count >>= 1) leaf = hashNode(peaks[--length], leaf);
        peaks[length] = leaf;
        return length + 1;
    }
}
