// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Proofs of an RFC 9162 Merkle tree with SHA-256
/// @notice leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right).
/// @dev The loops follow the RFC's numbered steps to the letter, in assembly, since they decide the price of an
/// anchor: each node is one call of precompile 2 on a buffer of 65 bytes at the free memory pointer,
///
///     buffer      0x01
///     buffer + 1  left
///     buffer + 33 right
///
/// The buffer is scratch: nothing is allocated. A precompile call fails only for want of gas; then all is reverted,
/// for a proof must never be judged on a hash that was not computed.
library Rfc9162 {
    /// @notice The hash of a leaf.
    function hashLeaf(bytes calldata entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    /// @notice RFC 9162, section 2.1.3.2: does `path` prove the leaf at `leafIndex` under `root`?
    function verifyInclusion(
        bytes32 leafHash,
        uint256 leafIndex,
        uint256 treeSize,
        bytes32 root,
        bytes32[] calldata path
    ) internal view returns (bool valid) {
        // 1. An index at or beyond the size fails.
        if (leafIndex >= treeSize) return false;
        assembly ("memory-safe") {
            function hashNode(buffer, left, right) -> hash {
                mstore(add(buffer, 1), left)
                mstore(add(buffer, 33), right)
                if iszero(staticcall(gas(), 2, buffer, 65, 0x00, 0x20)) {
                    revert(0, 0)
                }
                hash := mload(0x00)
            }
            let buffer := mload(0x40)
            mstore8(buffer, 0x01)
            // 2. fn = leaf index, sn = size - 1.
            let fn := leafIndex
            let sn := sub(treeSize, 1)
            // 3. r = leaf hash.
            let r := leafHash
            // 4. Each p of the path; a path longer than the tree is high ends the loop with `over`.
            let over := 0
            let place := path.offset
            for {
                let last := add(place, shl(5, path.length))
            } lt(place, last) {
                place := add(place, 0x20)
            } {
                // 4.a. sn is 0: stop and fail.
                if iszero(sn) {
                    over := 1
                    break
                }
                let p := calldataload(place)
                switch or(and(fn, 1), eq(fn, sn))
                case 0 {
                    // 4.c. Otherwise p is a right sibling.
                    r := hashNode(buffer, r, p)
                }
                default {
                    // 4.b.i. LSB(fn) is set or fn = sn: p is a left sibling.
                    r := hashNode(buffer, p, r)
                    // 4.b.ii. Up to the next level on which fn is a right child, or to the root.
                    for {} and(iszero(and(fn, 1)), iszero(iszero(fn))) {} {
                        fn := shr(1, fn)
                        sn := shr(1, sn)
                    }
                }
                // 4.d. One level up.
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            // 5. sn = 0 and r = root.
            valid := and(iszero(or(sn, over)), eq(r, root))
        }
    }

    /// @notice RFC 9162, section 2.1.4.2: does `proof` show that the tree of `toSize` extends the one of `fromSize`?
    /// @dev Every tree extends the empty one, and each tree itself; both take an empty proof.
    function verifyConsistency(
        uint256 fromSize,
        bytes32 fromRoot,
        uint256 toSize,
        bytes32 toRoot,
        bytes32[] calldata proof
    ) internal view returns (bool valid) {
        if (fromSize >= toSize) return fromSize == toSize && fromRoot == toRoot && proof.length == 0;
        if (fromSize == 0) return proof.length == 0;
        // 1. An empty proof fails.
        if (proof.length == 0) return false;
        assembly ("memory-safe") {
            function hashNode(buffer, left, right) -> hash {
                mstore(add(buffer, 1), left)
                mstore(add(buffer, 33), right)
                if iszero(staticcall(gas(), 2, buffer, 65, 0x00, 0x20)) {
                    revert(0, 0)
                }
                hash := mload(0x00)
            }
            let buffer := mload(0x40)
            mstore8(buffer, 0x01)
            // 3. fn = first - 1, sn = second - 1.
            let fn := sub(fromSize, 1)
            let sn := sub(toSize, 1)
            let place := proof.offset
            let last := add(place, shl(5, proof.length))
            // 2. and 5. The walk starts at the old root itself when the old size is a power of two (first & (first -
            // 1) = 0), else at the first element.
            let fr := fromRoot
            if and(fromSize, fn) {
                fr := calldataload(place)
                place := add(place, 0x20)
            }
            let sr := fr
            // 4. Up to the level of that subtree: while LSB(fn) is set.
            for {} and(fn, 1) {} {
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            // 6. Each c of the rest; a proof longer than the tree is high ends the loop with `over`.
            let over := 0
            for {} lt(place, last) {
                place := add(place, 0x20)
            } {
                // 6.a. sn is 0: stop and fail.
                if iszero(sn) {
                    over := 1
                    break
                }
                let c := calldataload(place)
                switch or(and(fn, 1), eq(fn, sn))
                case 0 {
                    // 6.c. Otherwise c is a right sibling that only the new tree has.
                    sr := hashNode(buffer, sr, c)
                }
                default {
                    // 6.b.i. and ii. LSB(fn) is set or fn = sn: c is a left sibling in both trees.
                    fr := hashNode(buffer, c, fr)
                    sr := hashNode(buffer, c, sr)
                    // 6.b.iii. Up to the next level on which fn is a right child, or to the root.
                    for {} and(iszero(and(fn, 1)), iszero(iszero(fn))) {} {
                        fn := shr(1, fn)
                        sn := shr(1, sn)
                    }
                }
                // 6.d. One level up.
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            // 7. Both roots are met and the walk ended at the top.
            valid := and(iszero(or(sn, over)), and(eq(fr, fromRoot), eq(sr, toRoot)))
        }
    }
}
