// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A block header. Its EIP-712 type is
/// `Block(uint64 height,uint64 slot,uint64 treeSize,bytes32 root,bytes32 parent,uint64 epoch,address publisher)`.
struct Header {
    /// 1 for the first block, then one more each.
    uint64 height;
    /// Period number: unix seconds / period.
    uint64 slot;
    /// Entries in the whole log after this block.
    uint64 treeSize;
    /// RFC 9162 root of the whole log after this block.
    bytes32 root;
    /// Hash of the block before; zero for the first.
    bytes32 parent;
    /// Committee epoch under which it was made.
    uint64 epoch;
    /// The centre whose turn it was: committee[slot mod size].
    address publisher;
}
