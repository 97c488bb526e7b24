// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Growing an RFC 9162 tree whose leaves are not at hand
/// @notice Its frontier, the roots of the perfect trees that it is made of (the largest first), is all that is needed.
/// @dev A precompile call fails only for want of gas; then all is reverted: a tree must never be built on a hash that was not computed.
library EvidenceTree {
    /// @notice Root of the tree with no leaf: SHA-256 of nothing.
    bytes32 internal constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice The hash of a digest as a leaf.
    function hashLeaf(bytes32 digest) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Scratch: a byte of zero, then the digest.
            mstore8(0x00, 0)
            mstore(0x01, digest)
            if iszero(staticcall(gas(), 2, 0x00, 33, 0x00, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0x00)
        }
    }

    /// @notice Root of the tree with this frontier.
    /// @param length How many of the peaks count.
    function rootOf(bytes32[] memory peaks, uint256 length) internal view returns (bytes32 root) {
        if (length == 0) return EMPTY;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            // The last one, and each before it on its left.
            let peak := add(peaks, shl(5, length))
            root := mload(peak)
            for {} gt(peak, add(peaks, 0x20)) {} {
                peak := sub(peak, 0x20)
                mstore(add(buffer, 1), mload(peak))
                mstore(add(buffer, 33), root)
                if iszero(staticcall(gas(), 2, buffer, 65, 0x00, 0x20)) {
                    revert(0, 0)
                }
                root := mload(0x00)
            }
        }
    }

    /// @notice Puts a digest at the end.
    /// @param peaks With room for one more.
    /// @param length How many of them count: as many as `count` has bits.
    /// @param count Of the leaves so far.
    /// @return The new number of peaks.
    function append(
        bytes32[] memory peaks,
        uint256 length,
        uint256 count,
        bytes32 digest
    ) internal view returns (uint256) {
        bytes32 hash = hashLeaf(digest);
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            let end := add(peaks, shl(5, add(length, 1)))
            // A perfect tree at the end takes in the next one of its size, and so on.
            for {} and(count, 1) {
                count := shr(1, count)
            } {
                end := sub(end, 0x20)
                mstore(add(buffer, 1), mload(end))
                mstore(add(buffer, 33), hash)
                if iszero(staticcall(gas(), 2, buffer, 65, 0x00, 0x20)) {
                    revert(0, 0)
                }
                hash := mload(0x00)
            }
            mstore(end, hash)
            length := shr(5, sub(end, peaks))
        }
        return length;
    }
}
