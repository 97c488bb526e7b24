// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
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
/// @dev Money goes out after everything is written down, so nothing is gained by coming back in. Money that comes in is counted by the
/// balance before and after: only there is a second payment in between kept out.
contract EvidenceChannels is Payouts, EIP712, ReentrancyGuardTransient {
    using CompactSignatures for bytes;

    uint256 private constant LEAST_CHALLENGE_SECONDS = 60;
    uint256 private constant MOST_CHALLENGE_SECONDS = 30 days;
    uint256 private constant LOCK_BYTES = 88;
    /// @dev After the time for challenges: then nobody has to have the frontier any more, so that no money stays for want of it.
    uint256 private constant FRONTIER_SECONDS = 30 days;

    bytes32 private constant STATE_TYPE =
        keccak256(
            "State(bytes32 channelId,uint64 version,uint128 requesterBalance,uint128 verifierBalance,bytes32 locksHash,bytes32 evidenceRoot,uint64 evidenceCount)"
        );
    bytes32 private constant CLOSE_TYPE =
        keccak256(
            "Close(bytes32 channelId,uint128 requesterBalance,uint128 verifierBalance,bytes32 evidenceRoot,uint64 evidenceCount)"
        );

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
    ) external payable nonReentrant returns (bytes32 channelId) {
        if (verifier == address(0) || verifier == msg.sender) revert AccountInvalid(verifier);
        if (amount == 0) revert AmountInvalid(amount);
        if (challengeSeconds < LEAST_CHALLENGE_SECONDS || challengeSeconds > MOST_CHALLENGE_SECONDS) {
            revert ChallengePeriodInvalid(challengeSeconds, LEAST_CHALLENGE_SECONDS, MOST_CHALLENGE_SECONDS);
        }
        channelId = _idOf(
            Channel({
                requester: msg.sender,
                verifier: verifier,
                token: token,
                amount: amount,
                challengeSeconds: challengeSeconds,
                salt: salt
            })
        );
        if (_words[channelId].status() != ChannelStatus.None) revert ChannelExists(channelId);
        _words[channelId] = ChannelWordCode.opened();
        emit ChannelOpened(channelId, msg.sender, verifier, token, amount, challengeSeconds, salt);
        _receive(token, amount);
    }

    /// @inheritdoc IEvidenceChannels
    function deposit(Channel calldata channel, uint128 amount, uint256 expectedHeld) external payable nonReentrant {
        bytes32 channelId = _idOf(channel);
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
    function closeTogether(
        Channel calldata channel,
        Closing calldata closing,
        bytes calldata signatures
    ) external {
        bytes32 channelId = _idOf(channel);
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open && word.status() != ChannelStatus.Closing) {
            revert ChannelStatusMismatch(channelId, word.status());
        }
        _requireBoth(channel, _hashTypedDataV4(_hashOf(channelId, closing)), signatures);
        uint256 held = _heldOf(channel, channelId, word);
        uint256 balances = uint256(closing.requesterBalance) + closing.verifierBalance;
        if (balances > held) revert BalancesExceed(balances, held);
        _end(channel, channelId, word, held, closing.verifierBalance, closing.evidenceRoot, closing.evidenceCount);
    }

    /// @inheritdoc IEvidenceChannels
    function startClosing(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        if (msg.sender != channel.requester && msg.sender != channel.verifier) revert NotParty(msg.sender);
        bytes32 channelId = _idOf(channel);
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Open) revert ChannelStatusMismatch(channelId, word.status());
        _close(channel, channelId, word, block.timestamp + channel.challengeSeconds, state, signatures);
    }

    /// @inheritdoc IEvidenceChannels
    function challenge(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        bytes32 channelId = _idOf(channel);
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
        bytes32 channelId = _idOf(channel);
        ChannelWord word = _words[channelId];
        if (word.status() != ChannelStatus.Closing) revert ChannelStatusMismatch(channelId, word.status());
        uint256 deadline = word.deadline();
        if (block.timestamp <= deadline) revert SettlementEarly(block.timestamp, deadline);
        if (!word.commitsTo(_commitment(_hashOf(channelId, state), salt))) revert StateMismatch(channelId);
        bytes32 locksHash = locks.length == 0 ? bytes32(0) : keccak256(locks);
        if (locksHash != state.locksHash) revert LocksMismatch(locksHash, state.locksHash);

        (uint256 paid, bytes32 root, uint64 count) = locks.length == 0
            ? (0, state.evidenceRoot, state.evidenceCount)
            : _paidLocks(state, locks, deadline, frontier);
        uint256 held = _heldOf(channel, channelId, word);
        uint256 payout = state.verifierBalance + paid;
        // Both have signed for more than there is: nobody must be stuck with it.
        if (payout > held) payout = held;
        _end(channel, channelId, word, held, payout, root, count);
    }

    /// @inheritdoc IEvidenceChannels
    function withdraw(address token, address to) external {
        _withdraw(token, to);
    }

    // ---------------------------------------------------------------- evidence

    /// @inheritdoc IEvidenceChannels
    function anchorEvidence(Channel calldata channel, State calldata state, bytes calldata signatures) external {
        bytes32 channelId = _idOf(channel);
        ChannelStatus status = _words[channelId].status();
        if (status == ChannelStatus.None) revert ChannelStatusMismatch(channelId, status);
        if (state.evidenceCount == 0) revert EvidenceEmpty();
        _requireBoth(channel, _hashTypedDataV4(_hashOf(channelId, state)), signatures);
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
        return _idOf(channel);
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
        bytes32 channelId = _idOf(channel);
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
        return _hashTypedDataV4(_hashOf(channelId, state));
    }

    /// @inheritdoc IEvidenceChannels
    function hashClose(bytes32 channelId, Closing calldata closing) external view returns (bytes32) {
        return _hashTypedDataV4(_hashOf(channelId, closing));
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
        bytes32 structHash = _hashOf(channelId, state);
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
        _words[channelId] = word.closing(deadline, state.version, _commitment(structHash, salt));
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
        if (locks.length % LOCK_BYTES != 0) revert LocksLength(locks.length);
        bool isLost = frontier.length == 0 && block.timestamp > deadline + FRONTIER_SECONDS;
        bytes32[] memory peaks;
        uint256 length;
        unchecked {
            for (uint256 place = 0; place < locks.length; place += LOCK_BYTES) {
                uint256 time = revealedAt[bytes32(locks[place:place + 32])];
                if (time == 0 || time > deadline || time > uint64(bytes8(locks[place + 80:place + 88]))) continue;
                // 64 amounts of 128 bits and many more have room.
                paid += uint128(bytes16(locks[place + 64:place + 80]));
                if (isLost) continue;
                if (peaks.length == 0) (peaks, length) = _peaksOf(state, frontier, locks.length / LOCK_BYTES);
                length = EvidenceTree.append(peaks, length, count, EvidenceTree.hashLeaf(bytes32(locks[place + 32:place + 64])));
                ++count;
            }
        }
        if (count != state.evidenceCount) root = EvidenceTree.rootOf(peaks, length);
    }

    /// @dev The frontier, checked, with room for more.
    function _peaksOf(
        State calldata state,
        bytes32[] calldata frontier,
        uint256 more
    ) private view returns (bytes32[] memory peaks, uint256 length) {
        length = frontier.length;
        peaks = new bytes32[](length + more);
        for (uint256 i = 0; i < length; ++i) peaks[i] = frontier[i];
        bytes32 root = EvidenceTree.rootOf(peaks, length);
        if (root != state.evidenceRoot || length != CompactSignatures.popcount(state.evidenceCount)) {
            revert FrontierMismatch(root, state.evidenceRoot);
        }
    }

    function _requireBoth(Channel calldata channel, bytes32 digest, bytes calldata signatures) private view {
        if (signatures.length != 128) revert SignaturesLength(signatures.length, 128);
        _requireSigner(signatures, 0, digest, channel.requester);
        _requireSigner(signatures, 64, digest, channel.verifier);
    }

    function _requireSigner(bytes calldata signatures, uint256 offset, bytes32 digest, address want) private view {
        (address signer, uint256 s) = signatures.signerAt(offset, digest);
        if (s > CompactSignatures.HALF_ORDER) revert SignatureMalleable(bytes32(s));
        if (signer != want || signer == address(0)) revert SignatureInvalid(signer, want);
    }

    function _heldOf(Channel calldata channel, bytes32 channelId, ChannelWord word) private view returns (uint256) {
        return channel.amount + (word.isTopped() ? _added[channelId] : 0);
    }

    function _commitment(bytes32 structHash, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(structHash, salt));
    }

    function _idOf(Channel memory channel) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), channel));
    }

    function _hashOf(bytes32 channelId, State calldata state) private pure returns (bytes32) {
        return keccak256(abi.encode(STATE_TYPE, channelId, state));
    }

    function _hashOf(bytes32 channelId, Closing calldata closing) private pure returns (bytes32) {
        return keccak256(abi.encode(CLOSE_TYPE, channelId, closing));
    }
}
