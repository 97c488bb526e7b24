// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ChannelHashes } from "./channels/ChannelHashes.sol";
import { ChannelWord, ChannelWordCode } from "./channels/ChannelWord.sol";
import { EvidenceTree } from "./channels/EvidenceTree.sol";
import { Payouts } from "./channels/Payouts.sol";
import {
    Channel,
    ChannelStatus,
    Closing,
    EvidenceProof,
    IEvidenceChannels,
    State
} from "./interfaces/IEvidenceChannels.sol";
import { CompactSignatures } from "./libraries/CompactSignatures.sol";
import { Rfc9162 } from "./libraries/Rfc9162.sol";

/// @title EvidenceChannels
/// @notice See {IEvidenceChannels}. One slot for each channel; all else is in calldata and events.
contract EvidenceChannels is Payouts, EIP712 {
    using ChannelHashes for Channel;
    using ChannelHashes for Closing;
    using ChannelHashes for State;
    using CompactSignatures for bytes;

    uint256 private constant LEAST_CHALLENGE_SECONDS = 60;
    uint256 private constant MOST_CHALLENGE_SECONDS = 30 days;
    uint256 private constant LOCK_BYTES = 88;
    /// @dev More would not be stuck, but not be paid either.
    uint256 private constant MOST_LOCKS = 128;
    /// @dev After the time for challenges: then nobody has to have the frontier any more, so that no money stays for want of it.
    uint256 private constant FRONTIER_SECONDS = 30 days;
    /// @dev The same for locks: both have signed a hash of something that nobody has, or that no transaction can carry.
    uint256 private constant LOCKS_SECONDS = 365 days;

    mapping(bytes32 channelId => ChannelWord word) private _words;
    /// @dev What was paid in after the opening.
    mapping(bytes32 channelId => uint256 amount) private _added;
    mapping(bytes32 channelId => mapping(uint64 evidenceCount => bytes32 root)) private _anchored;

    /// @inheritdoc IEvidenceChannels
    mapping(bytes32 keyHash => uint256 time) public revealedAt;

    constructor() EIP712("Notarium", "1") {}

    // ---------------------------------------------------------------- money in

    /// @inheritdoc IEvidenceChannels
    function open(
        address verifier,
        address token,
        uint128 amount,
        uint32 challengeSeconds,
        uint64 salt
    ) external payable returns (bytes32 channelId) {
        if (verifier == address(0) || verifier == msg.sender) revert AccountInvalid(verifier);
        if (amount == 0) revert AmountInvalid(amount);
        if (challengeSeconds < LEAST_CHALLENGE_SECONDS || challengeSeconds > MOST_CHALLENGE_SECONDS) {
            revert ChallengePeriodInvalid(challengeSeconds, LEAST_CHALLENGE_SECONDS, MOST_CHALLENGE_SECONDS);
        }
        channelId = keccak256(
            abi.encode(block.chainid, address(this), msg.sender, verifier, token, amount, challengeSeconds, salt)
        );
        if (_words[channelId].status() != ChannelStatus.None) revert ChannelExists(channelId);
        _words[channelId] = ChannelWordCode.opened();
        emit ChannelOpened(channelId, msg.sender, verifier, token, amount, challengeSeconds, salt);
        _receive(token, amount);
    }

    /// @inheritdoc IEvidenceChannels
    function deposit(Channel calldata channel, uint128 amount, uint256 expectedHeld) external payable {
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open) revert ChannelStatusMismatch(channelId, word.status());
        uint256 held = _heldOf(channel, channelId, word);
        if (held != expectedHeld) revert HeldMismatch(held, expectedHeld);
        if (amount == 0 || held + amount > type(uint128).max) revert AmountInvalid(amount);
        _added[channelId] += amount;
        if (!word.isTopped()) _words[channelId] = word.topped();
        emit ChannelDeposited(channelId, held + amount);
        _receive(channel.token, amount);
    }

    // ---------------------------------------------------------------- the end

    /// @inheritdoc IEvidenceChannels
    function closeTogether(Channel calldata channel, Closing calldata closing, bytes calldata signatures) external {
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open && word.status() != ChannelStatus.Closing) {
            revert ChannelStatusMismatch(channelId, word.status());
        }
        _requireBoth(channel, _hashTypedDataV4(closing.hashOf(channelId)), signatures);
        uint256 held = _heldOf(channel, channelId, word);
        uint256 balances = uint256(closing.requesterBalance) + closing.verifierBalance;
        if (balances > held) revert BalancesExceed(balances, held);
        _end(channel, channelId, word, held, closing.verifierBalance, closing.evidenceRoot, closing.evidenceCount);
    }

    /// @inheritdoc IEvidenceChannels
    function startClosing(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        if (msg.sender != channel.requester && msg.sender != channel.verifier) revert NotParty(msg.sender);
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open) revert ChannelStatusMismatch(channelId, word.status());
        _close(channel, channelId, word, block.timestamp + channel.challengeSeconds, state, signatures);
    }

    /// @inheritdoc IEvidenceChannels
    function challenge(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Closing) revert ChannelStatusMismatch(channelId, word.status());
        uint256 deadline = word.deadline();
        if (block.timestamp > deadline) revert ChallengeOver(block.timestamp, deadline);
        if (state.version <= word.version()) revert VersionInvalid(state.version, word.version() + 1);
        _close(channel, channelId, word, deadline, state, signatures);
    }

    /// @inheritdoc IEvidenceChannels
    function reveal(bytes32[] calldata keys) external {
        for (uint256 i = 0; i < keys.length; ++i) {
            bytes32 keyHash = sha256(abi.encode(keys[i]));
            if (revealedAt[keyHash] != 0) continue;
            revealedAt[keyHash] = block.timestamp;
            emit KeyRevealed(keyHash, keys[i]);
        }
    }

    /// @inheritdoc IEvidenceChannels
    function settle(
        Channel calldata channel,
        State calldata state,
        bytes32 salt,
        bytes calldata locks,
        bytes32[] calldata frontier
    ) external {
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Closing) revert ChannelStatusMismatch(channelId, word.status());
        uint256 deadline = word.deadline();
        if (block.timestamp <= deadline) revert SettlementEarly(block.timestamp, deadline);
        if (!word.commitsTo(ChannelHashes.commitment(state.hashOf(channelId), salt))) revert StateMismatch(channelId);
        uint256 paid;
        (bytes32 root, uint64 count) = (state.evidenceRoot, state.evidenceCount);
        if (locks.length != 0) {
            if (keccak256(locks) != state.locksHash) revert LocksMismatch(keccak256(locks), state.locksHash);
            (paid, root, count) = _paidLocks(state, locks, deadline, frontier);
        } else if (state.locksHash != 0 && block.timestamp <= deadline + LOCKS_SECONDS) {
            revert LocksMismatch(0, state.locksHash);
        }
        uint256 held = _heldOf(channel, channelId, word);
        uint256 payout = state.verifierBalance + paid;
        // Both have signed for more than there is: nobody must be stuck with it.
        if (payout > held) payout = held;
        _end(channel, channelId, word, held, payout, root, count);
    }

    // ---------------------------------------------------------------- evidence

    /// @inheritdoc IEvidenceChannels
    function anchorEvidence(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        bytes32 channelId = channel.idOf();
        ChannelStatus status = _words[channelId].status();
        if (status == ChannelStatus.None) revert ChannelStatusMismatch(channelId, status);
        if (state.evidenceCount == 0) revert EvidenceEmpty();
        _requireBoth(channel, _hashTypedDataV4(state.hashOf(channelId)), signatures);
        bytes32 have = _anchored[channelId][state.evidenceCount];
        if (have == state.evidenceRoot) return;
        if (have != 0) revert DigestWritten(have, state.evidenceRoot);
        _anchored[channelId][state.evidenceCount] = state.evidenceRoot;
        emit EvidenceAnchored(channelId, state.evidenceRoot, state.evidenceCount);
    }

    /// @inheritdoc IEvidenceChannels
    function verifyEvidence(
        bytes32 channelId,
        bytes32 digest,
        EvidenceProof calldata proof
    ) external view returns (bool) {
        bytes32 anchored = _anchored[channelId][proof.treeSize];
        if ((anchored == 0 || anchored != proof.root) && !_words[channelId].hasDigest(proof.root)) return false;
        bytes32 leaf = EvidenceTree.hashLeaf(digest);
        return Rfc9162.verifyInclusion(leaf, proof.leafIndex, proof.treeSize, proof.root, proof.path);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEvidenceChannels
    function channelIdOf(Channel calldata channel) external view returns (bytes32) {
        return channel.idOf();
    }

    /// @inheritdoc IEvidenceChannels
    function statusOf(
        bytes32 channelId
    ) external view returns (ChannelStatus status, uint256 deadline, uint256 version) {
        ChannelWord word = _words[channelId];
        status = word.status();
        if (status == ChannelStatus.Closing) (deadline, version) = (word.deadline(), word.version());
    }

    /// @inheritdoc IEvidenceChannels
    function heldOf(Channel calldata channel) external view returns (uint256) {
        bytes32 channelId = channel.idOf();
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open && word.status() != ChannelStatus.Closing) return 0;
        return _heldOf(channel, channelId, word);
    }

    /// @inheritdoc IEvidenceChannels
    function anchoredEvidence(bytes32 channelId, uint64 evidenceCount) external view returns (bytes32) {
        return _anchored[channelId][evidenceCount];
    }

    /// @inheritdoc IEvidenceChannels
    function hashState(bytes32 channelId, State calldata state) external view returns (bytes32) {
        return _hashTypedDataV4(state.hashOf(channelId));
    }

    /// @inheritdoc IEvidenceChannels
    function hashClose(bytes32 channelId, Closing calldata closing) external view returns (bytes32) {
        return _hashTypedDataV4(closing.hashOf(channelId));
    }

    // ---------------------------------------------------------------- helpers

    function _close(
        Channel calldata channel,
        bytes32 channelId,
        ChannelWord word,
        uint256 deadline,
        State calldata state,
        bytes calldata signatures
    ) private {
        bytes32 structHash = state.hashOf(channelId);
        if (state.version == 0) {
            // Nobody has signed it, so it may say only one thing.
            if (signatures.length != 0) revert SignaturesLength(signatures.length, 0);
            bool isFirst = state.verifierBalance == 0 && state.locksHash == 0 && state.evidenceCount == 0;
            if (!isFirst || state.evidenceRoot != EvidenceTree.EMPTY) revert VersionInvalid(0, 1);
        } else {
            if (state.version > ChannelWordCode.MAX_VERSION) {
                revert VersionInvalid(state.version, ChannelWordCode.MAX_VERSION);
            }
            _requireBoth(channel, _hashTypedDataV4(structHash), signatures);
        }
        bytes32 salt = blockhash(block.number - 1);
        _words[channelId] = word.closing(deadline, state.version, ChannelHashes.commitment(structHash, salt));
        emit ChannelClosing(channelId, deadline, salt, state);
    }

    /// @dev Effects, then calls. `verifierPayout` is at most `held`.
    function _end(
        Channel calldata channel,
        bytes32 channelId,
        ChannelWord word,
        uint256 held,
        uint256 verifierPayout,
        bytes32 root,
        uint64 count
    ) private {
        _words[channelId] = word.settled(root);
        if (word.isTopped()) delete _added[channelId];
        uint256 requesterPayout = held - verifierPayout;
        emit ChannelSettled(channelId, root, count, requesterPayout, verifierPayout);
        _pay(channel.token, channel.verifier, verifierPayout);
        _pay(channel.token, channel.requester, requesterPayout);
    }

    /// @return paid What the verifier gets for locks whose key was public in time.
    /// @return root Of the evidence tree with the digests of these at its end.
    /// @return count Of its leaves.
    function _paidLocks(
        State calldata state,
        bytes calldata locks,
        uint256 deadline,
        bytes32[] calldata frontier
    ) private view returns (uint256 paid, bytes32 root, uint64 count) {
        root = state.evidenceRoot;
        count = state.evidenceCount;
        // A tree without leaves has no frontier: none is lost.
        bool isLost = frontier.length == 0 && count != 0 && block.timestamp > deadline + FRONTIER_SECONDS;
        uint256 left = locks.length / LOCK_BYTES;
        if (left > MOST_LOCKS) left = MOST_LOCKS;
        bytes32[] memory peaks;
        uint256 length;
        // 128 amounts of 128 bits have room; no tree has 2^64 leaves.
        unchecked {
            for (uint256 place = 0; left != 0; (--left, place += LOCK_BYTES)) {
                (bytes32 keyHash, bytes32 digest, uint256 amount, uint256 expiry) = _lockAt(locks, place);
                uint256 time = revealedAt[keyHash];
                if (time == 0 || time > deadline || time > expiry) continue;
                paid += amount;
                if (isLost) continue;
                if (peaks.length == 0) (peaks, length) = _peaksOf(state, frontier, left);
                length = EvidenceTree.append(peaks, length, count, digest);
                ++count;
            }
        }
        if (count != state.evidenceCount) root = EvidenceTree.rootOf(peaks, length);
    }

    /// @dev The caller keeps 88 bytes from the place on within the locks.
    function _lockAt(
        bytes calldata locks,
        uint256 place
    ) private pure returns (bytes32 keyHash, bytes32 digest, uint256 amount, uint256 expiry) {
        assembly ("memory-safe") {
            let start := add(locks.offset, place)
            keyHash := calldataload(start)
            digest := calldataload(add(start, 32))
            // Loaded words go on beyond the field: that is shifted out.
            amount := shr(128, calldataload(add(start, 64)))
            expiry := shr(192, calldataload(add(start, 80)))
        }
    }

    /// @dev The frontier, checked, with room for more.
    function _peaksOf(
        State calldata state,
        bytes32[] calldata frontier,
        uint256 more
    ) private view returns (bytes32[] memory peaks, uint256 length) {
        length = CompactSignatures.popcount(state.evidenceCount);
        if (frontier.length != length) revert FrontierMismatch(0, state.evidenceRoot);
        peaks = new bytes32[](length + more);
        for (uint256 i = 0; i < length; ++i) peaks[i] = frontier[i];
        bytes32 root = EvidenceTree.rootOf(peaks, length);
        if (root != state.evidenceRoot) revert FrontierMismatch(root, state.evidenceRoot);
    }

    function _requireBoth(Channel calldata channel, bytes32 digest, bytes calldata signatures) private view {
        if (signatures.length != 128) revert SignaturesLength(signatures.length, 128);
        _requireSigner(signatures, 0, digest, channel.requester);
        _requireSigner(signatures, 64, digest, channel.verifier);
    }

    function _requireSigner(bytes calldata signatures, uint256 offset, bytes32 digest, address want) private view {
        (address signer, uint256 s) = signatures.signerAt(offset, digest);
        if (s > CompactSignatures.HALF_ORDER) revert SignatureMalleable(bytes32(s));
        // Nobody's signature gives zero; neither side of a channel that was opened is zero.
        if (signer != want) revert SignatureInvalid(signer, want);
    }

    function _heldOf(Channel calldata channel, bytes32 channelId, ChannelWord word) private view returns (uint256) {
        return channel.amount + (word.isTopped() ? _added[channelId] : 0);
    }
}
