// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Header } from "./Header.sol";
import { INodeRegistry } from "./INodeRegistry.sol";

/// @title The anchor of the log on chain
/// @notice Decides which block comes next: height, parent, turn, quorum, and that the new root extends the old one.
/// What it stored stays for ever, so that anyone can check a receipt with one `eth_call`.
interface IBlockAnchor {
    // ---------------------------------------------------------------- errors

    /// @notice The new root does not extend the old one (RFC 9162, section 2.1.4.2), or the proof is wrong.
    error ConsistencyProofInvalid(uint64 fromSize, uint64 toSize);

    /// @notice The block was made under another committee epoch than the current one.
    error EpochMismatch(uint64 have, uint64 want);

    /// @notice The height does not follow the greatest anchored one.
    error HeightGap(uint64 have, uint64 want);

    /// @notice Another block stands at this height already.
    error HeightTaken(uint64 height, bytes32 have, bytes32 want);

    /// @notice The header's parent is not the hash of the block before.
    error ParentMismatch(bytes32 have, bytes32 want);

    /// @notice The period must be at least one second.
    error PeriodZero();

    /// @notice The previous header handed in does not have the parent's hash.
    error PreviousMismatch(bytes32 have, bytes32 want);

    /// @notice It is another centre's turn in this slot.
    error PublisherMismatch(address have, address want);

    /// @notice The publisher itself must be among the signers.
    error PublisherNotSigned(address publisher);

    /// @notice Fewer signers than floor(2m/3)+1.
    error QuorumMissed(uint256 have, uint256 want);

    /// @notice There is no contract at the registry's address.
    error RegistryMissing(address registry);

    /// @notice The signatures are not 64 bytes for each bit of the bitmap.
    error SignaturesLength(uint256 have, uint256 want);

    /// @notice The s value of this member's signature is in the upper half of the curve order.
    error SignatureMalleable(uint256 member, bytes32 s);

    /// @notice The signature for this member's bit recovers to somebody else (zero: to nobody).
    error SignerMismatch(uint256 member, address have, address want);

    /// @notice The bitmap has a bit at or beyond the committee's size.
    error SignerOutOfRange(uint256 bitmap, uint256 size);

    /// @notice The slot has not begun on chain: block time, and the slot's first second.
    error SlotEarly(uint256 have, uint256 want);

    /// @notice The slot is past, grace included: block time, and the first second that was too late.
    error SlotLate(uint256 have, uint256 want);

    /// @notice The slot must be later than the previous block's.
    error SlotNotLater(uint64 have, uint64 want);

    /// @notice A block brings at least one entry: the size it has, and the least it may have.
    error TreeSizeNotGrown(uint64 have, uint64 want);

    // ---------------------------------------------------------------- events

    /// @notice A block was anchored.
    /// @dev The transaction's calldata holds the whole header. Where the call came through another contract, it is
    /// rebuilt from events: the parent is the `blockHash` one height below, and epoch and publisher are the only ones
    /// (`registry.committeeAt(epoch)[slot mod size]`, the epoch never lower than the parent's) with which
    /// the header has this `blockHash`.
    event Anchored(uint64 indexed height, bytes32 indexed blockHash, uint64 slot, uint64 treeSize, bytes32 root);

    // ---------------------------------------------------------------- changes

    /// @notice Anchors the next block. Anyone may submit it; the same block again does nothing.
    /// @param header The new block.
    /// @param previous The header one height below; ignored for the first block.
    /// @param consistencyProof RFC 9162 proof from the previous tree to the new one; empty for the first block.
    /// @param signerBitmap Bit i is set when committee member i signed.
    /// @param signatures EIP-2098 signatures of the block hash, 64 bytes each, in the order of the set bits.
    function anchor(
        Header calldata header,
        Header calldata previous,
        bytes32[] calldata consistencyProof,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external;

    // ---------------------------------------------------------------- views

    /// @notice The hash of the block at a height, zero when there is none. Kept for ever.
    function blockHash(uint64 height) external view returns (bytes32);

    /// @notice The slot of the chain's present time.
    function currentSlot() external view returns (uint64);

    /// @notice Seconds after the end of a slot in which its block is still taken.
    function graceSeconds() external view returns (uint64);

    /// @notice The EIP-712 digest of a header: the block hash, and what the committee signs.
    function hashBlock(Header calldata header) external view returns (bytes32);

    /// @notice The greatest anchored height; zero before the first block.
    function head() external view returns (uint64);

    /// @notice The length of a slot in seconds.
    function periodSeconds() external view returns (uint64);

    /// @notice Whose turn a slot is, under the current committee.
    function publisherOf(uint64 slot) external view returns (address);

    /// @notice Signatures that a block needs under the current committee: floor(2m/3)+1.
    function quorum() external view returns (uint256);

    /// @notice The registry whose committee decides.
    function registry() external view returns (INodeRegistry);

    /// @notice Whether the entry stands at this index in the log of an anchored block.
    /// @return True only when the header is anchored and the path proves it; never reverts for wrong input.
    function verifyEntry(
        Header calldata header,
        bytes calldata entry,
        uint64 leafIndex,
        bytes32[] calldata path
    ) external view returns (bool);

    /// @notice Whether the leaf hash stands at this index in the log of an anchored block.
    /// @return True only when the header is anchored and the path proves it; never reverts for wrong input.
    function verifyInclusion(
        Header calldata header,
        bytes32 leafHash,
        uint64 leafIndex,
        bytes32[] calldata path
    ) external view returns (bool);
}
