// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import { Header } from "./interfaces/Header.sol";
import { IBlockAnchor } from "./interfaces/IBlockAnchor.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";
import { CompactSignatures } from "./libraries/CompactSignatures.sol";
import { Rfc9162 } from "./libraries/Rfc9162.sol";

/// @title BlockAnchor
/// @notice See {IBlockAnchor}. One new storage slot a block and nothing else is written: what the contract has to know
/// about the block before, the caller hands in as a header, which must have the stored hash.
contract BlockAnchor is IBlockAnchor, EIP712 {
    using CommitteeBlob for address;
    using CommitteeBlob for bytes;
    using CompactSignatures for bytes;

    bytes32 private constant BLOCK_TYPEHASH = keccak256(
        "Block(uint64 height,uint64 slot,uint64 treeSize,bytes32 root,bytes32 parent,uint64 epoch,address publisher)"
    );

    /// @inheritdoc IBlockAnchor
    INodeRegistry public immutable registry;

    /// @inheritdoc IBlockAnchor
    uint64 public immutable periodSeconds;

    /// @inheritdoc IBlockAnchor
    uint64 public immutable graceSeconds;

    /// @dev A struct, so that one look-up serves the read and the write of a slot.
    struct Place {
        bytes32 hash;
    }

    mapping(uint64 height => Place place) private _places;

    constructor(INodeRegistry registry_, uint64 periodSeconds_, uint64 graceSeconds_) EIP712("Notarium", "1") {
        if (address(registry_).code.length == 0) revert RegistryMissing(address(registry_));
        if (periodSeconds_ == 0) revert PeriodZero();
        registry = registry_;
        periodSeconds = periodSeconds_;
        graceSeconds = graceSeconds_;
    }

    // ---------------------------------------------------------------- anchoring

    /// @inheritdoc IBlockAnchor
    function anchor(
        Header calldata header,
        Header calldata previous,
        bytes32[] calldata consistencyProof,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external {
        bytes32 domainSeparator = _domainSeparatorV4();
        bytes32 digest = _hash(domainSeparator, header);
        uint64 height = header.height;
        uint64 slot = header.slot;

        Place storage place = _places[height];
        bytes32 taken = place.hash;
        if (taken != 0) {
            if (taken == digest) return;
            revert HeightTaken(height, digest, taken);
        }

        _checkTime(slot);
        if (height == 1) {
            _checkFirst(header, consistencyProof);
        } else {
            _checkPrevious(domainSeparator, header, previous, consistencyProof);
        }
        _checkSigners(_currentMembers(header.epoch), slot, header.publisher, digest, signerBitmap, signatures);

        place.hash = digest;
        emit Anchored(height, digest, slot, header.treeSize, header.root);
    }

    /// @dev The slot has begun on chain and is not past.
    function _checkTime(uint256 slot) private view {
        // Products and sums of 64-bit numbers: no overflow in 256 bits.
        unchecked {
            uint256 begin = slot * periodSeconds;
            uint256 end = begin + periodSeconds + graceSeconds;
            if (block.timestamp < begin) revert SlotEarly(block.timestamp, begin);
            if (block.timestamp >= end) revert SlotLate(block.timestamp, end);
        }
    }

    /// @dev The first block extends the empty log, which takes an empty proof.
    function _checkFirst(Header calldata header, bytes32[] calldata consistencyProof) private pure {
        if (header.parent != 0) revert ParentMismatch(header.parent, 0);
        if (header.treeSize == 0) revert TreeSizeNotGrown(0, 1);
        if (consistencyProof.length != 0) revert ConsistencyProofInvalid(0, header.treeSize);
    }

    /// @dev Height, parent, order of the slots, and that the log only grew.
    function _checkPrevious(
        bytes32 domainSeparator,
        Header calldata header,
        Header calldata previous,
        bytes32[] calldata consistencyProof
    ) private view {
        // Below height 0 wraps to the greatest number, where no block can be.
        bytes32 stored;
        unchecked {
            stored = _places[header.height - 1].hash;
        }
        if (stored == 0) revert HeightGap(header.height, head() + 1);
        if (header.parent != stored) revert ParentMismatch(header.parent, stored);
        bytes32 have = _hash(domainSeparator, previous);
        if (have != stored) revert PreviousMismatch(have, stored);

        if (header.slot <= previous.slot) revert SlotNotLater(header.slot, previous.slot + 1);
        uint64 fromSize = previous.treeSize;
        uint64 toSize = header.treeSize;
        if (toSize <= fromSize) revert TreeSizeNotGrown(toSize, fromSize + 1);
        if (!Rfc9162.verifyConsistency(fromSize, previous.root, toSize, header.root, consistencyProof)) {
            revert ConsistencyProofInvalid(fromSize, toSize);
        }
    }

    /// @dev The members of an epoch, which must be the current one.
    function _currentMembers(uint64 epoch) private view returns (bytes memory members) {
        members = CommitteeBlob.loadNewest(address(registry), epoch);
        if (members.length != 0) return members;
        (uint64 want, ) = registry.committeePointer();
        revert EpochMismatch(epoch, want);
    }

    /// @dev Turn, quorum, and every signature.
    function _checkSigners(
        bytes memory members,
        uint256 slot,
        address publisher,
        bytes32 digest,
        uint256 signerBitmap,
        bytes calldata signatures
    ) private view {
        // A committee has 1 to 256 members, so nothing here divides by zero or overflows.
        unchecked {
            uint256 size = members.count();
            uint256 turn = slot % size;
            if (publisher != members.memberAt(turn)) revert PublisherMismatch(publisher, members.memberAt(turn));
            if (signerBitmap >> size != 0) revert SignerOutOfRange(signerBitmap, size);
            if ((signerBitmap >> turn) & 1 == 0) revert PublisherNotSigned(publisher);

            uint256 signers = CompactSignatures.popcount(signerBitmap);
            if (signers < _quorum(size)) revert QuorumMissed(signers, _quorum(size));
            if (signatures.length != signers * 64) revert SignaturesLength(signatures.length, signers * 64);

            (bool valid, uint256 member, address signer, uint256 s) = signatures.check(digest, signerBitmap, members);
            if (!valid) {
                if (s > CompactSignatures.HALF_ORDER) revert SignatureMalleable(member, bytes32(s));
                revert SignerMismatch(member, signer, members.memberAt(member));
            }
        }
    }

    // ---------------------------------------------------------------- proofs

    /// @inheritdoc IBlockAnchor
    function verifyEntry(
        Header calldata header,
        bytes calldata entry,
        uint64 leafIndex,
        bytes32[] calldata path
    ) external view returns (bool) {
        return _verifyInclusion(header, Rfc9162.hashLeaf(entry), leafIndex, path);
    }

    /// @inheritdoc IBlockAnchor
    function verifyInclusion(
        Header calldata header,
        bytes32 leafHash,
        uint64 leafIndex,
        bytes32[] calldata path
    ) external view returns (bool) {
        return _verifyInclusion(header, leafHash, leafIndex, path);
    }

    function _verifyInclusion(
        Header calldata header,
        bytes32 leafHash,
        uint64 leafIndex,
        bytes32[] calldata path
    ) private view returns (bool) {
        if (_places[header.height].hash != hashBlock(header)) return false;
        return Rfc9162.verifyInclusion(leafHash, leafIndex, header.treeSize, header.root, path);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IBlockAnchor
    function blockHash(uint64 height) external view returns (bytes32) {
        return _places[height].hash;
    }

    /// @inheritdoc IBlockAnchor
    function currentSlot() external view returns (uint64) {
        return uint64(block.timestamp / periodSeconds);
    }

    /// @inheritdoc IBlockAnchor
    function hashBlock(Header calldata header) public view returns (bytes32) {
        return _hash(_domainSeparatorV4(), header);
    }

    /// @inheritdoc IBlockAnchor
    /// @dev Heights have no gaps, so the last one is found by doubling, then halving; no slot is spent on it.
    function head() public view returns (uint64) {
        uint64 low = 0;
        uint64 high = 1;
        while (_places[high].hash != 0) (low, high) = (high, high * 2);
        // low is anchored (or 0), high is not.
        while (high - low > 1) {
            uint64 middle = low + (high - low) / 2;
            if (_places[middle].hash != 0) low = middle;
            else high = middle;
        }
        return low;
    }

    /// @inheritdoc IBlockAnchor
    function publisherOf(uint64 slot) external view returns (address) {
        (, address pointer) = registry.committeePointer();
        bytes memory members = pointer.load();
        return members.memberAt(slot % members.count());
    }

    /// @inheritdoc IBlockAnchor
    function quorum() external view returns (uint256) {
        (, address pointer) = registry.committeePointer();
        return _quorum(pointer.load().count());
    }

    // ---------------------------------------------------------------- helpers

    function _quorum(uint256 size) private pure returns (uint256) {
        // At most 256 members.
        unchecked {
            return (2 * size) / 3 + 1;
        }
    }

    /// @dev The header lies in calldata as the EIP-712 struct is encoded: seven words, copied behind the type hash. Words
    /// with bits that the types do not have give the hash of no valid header, and `anchor` refuses them on reading.
    function _hash(bytes32 domainSeparator, Header calldata header) private pure returns (bytes32) {
        bytes32 typehash = BLOCK_TYPEHASH;
        bytes32 structHash;
        assembly ("memory-safe") {
            let encoded := mload(0x40)
            mstore(encoded, typehash)
            calldatacopy(add(encoded, 0x20), header, 0xe0)
            structHash := keccak256(encoded, 0x100)
        }
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }
}
