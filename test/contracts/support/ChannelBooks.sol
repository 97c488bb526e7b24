// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Channel,
    ChannelStatus,
    EvidenceProof,
    IEvidenceChannels,
    State
} from "../../../contracts/interfaces/IEvidenceChannels.sol";
import { TestToken } from "./ChannelDoubles.sol";
import { Deploy } from "./Deploy.sol";
import { DigestTree } from "./DigestTree.sol";
import { vm } from "./Vm.sol";

/// @notice What has been done to channels, kept beside the contract, and what must have come of it.
abstract contract ChannelBooks {
    struct Book {
        Channel channel;
        bytes32 id;
        uint256 held;
        ChannelStatus status;
        /// Of the state that is on chain: its place, and with what it was handed in.
        uint256 place;
        uint256 deadline;
        bytes32 salt;
        /// Of the end: what there was to pay out, what was, and under which total digest.
        uint256 last;
        uint256 paid;
        bytes32 root;
    }

    struct Lock {
        bytes32 key;
        bytes32 digest;
        uint128 amount;
        uint64 expiry;
    }

    uint256 internal constant PEOPLE = 4;
    uint256 private constant RICHES = 1e24;

    IEvidenceChannels public channels;
    TestToken public token;

    Book[] internal books;
    mapping(uint256 which => State[] states) internal states;
    mapping(uint256 which => mapping(uint256 place => Lock[] locks)) internal locks;
    mapping(uint256 which => bytes32[] digests) internal digests;
    /// The greatest version that was on chain.
    mapping(uint256 which => uint256 version) public seen;
    mapping(bytes32 keyHash => uint256 time) internal revealed;
    mapping(uint256 which => mapping(uint64 count => bytes32 root)) public anchored;
    uint256 internal time = 1_000_000;
    uint256 internal nonce;

    constructor() {
        channels = Deploy.evidenceChannels();
        token = new TestToken();
        for (uint256 i = 0; i < PEOPLE; ++i) {
            vm.deal(person(i), RICHES);
            token.transfer(person(i), RICHES);
            vm.prank(person(i));
            token.approve(address(channels), type(uint256).max);
        }
        vm.warp(time);
    }

    // ---------------------------------------------------------------- for the invariants

    function count() external view returns (uint256) {
        return books.length;
    }

    function bookAt(uint256 which) external view returns (Book memory) {
        return books[which];
    }

    function digestsOf(uint256 which) external view returns (bytes32[] memory) {
        return digests[which];
    }

    function person(uint256 i) public pure returns (address) {
        return vm.addr(1 + (i % PEOPLE));
    }

    // ---------------------------------------------------------------- helpers

    function _pass(uint256 forward) internal {
        time += forward;
        vm.warp(time);
    }

    function _handedIn(uint256 which, uint256 place) internal {
        Book storage book = books[which];
        (book.place, book.salt) = (place, blockhash(block.number - 1));
        (ChannelStatus status, uint256 deadline, uint256 version) = channels.statusOf(book.id);
        require(status == ChannelStatus.Closing && deadline == book.deadline, "closing");
        require(version == states[which][place].version && version >= seen[which], "version");
        seen[which] = version;
    }

    function _settle(uint256 which) internal {
        Book storage book = books[which];
        State memory state = states[which][book.place];
        if (time <= book.deadline) _pass(book.deadline - time + 1);
        (uint256 payout, bytes32[] memory all) = _expected(which);
        bytes32[] memory frontier = DigestTree.frontier(digests[which], state.evidenceCount);
        bytes memory packed = _packed(which, book.place);
        uint256[2] memory before = _wealth(book.channel);
        channels.settle(book.channel, state, book.salt, packed, frontier);
        bytes32 root = DigestTree.root(all, all.length);
        _ended(which, before, payout, root);
        if (all.length == 0) return;
        uint64 last = uint64(all.length - 1);
        EvidenceProof memory proof = EvidenceProof(root, last, last + 1, DigestTree.path(all, last, 0, last + 1));
        require(channels.verifyEvidence(book.id, all[last], proof), "total digest");
    }

    /// @dev What the verifier must get by the state on chain, and all digests that must be in the tree.
    function _expected(uint256 which) private view returns (uint256 payout, bytes32[] memory all) {
        Book storage book = books[which];
        State memory state = states[which][book.place];
        Lock[] storage some = locks[which][book.place];
        payout = state.verifierBalance;
        all = new bytes32[](state.evidenceCount + some.length);
        uint256 length = state.evidenceCount;
        for (uint256 i = 0; i < length; ++i) all[i] = digests[which][i];
        for (uint256 i = 0; i < some.length; ++i) {
            uint256 second = revealed[sha256(abi.encode(some[i].key))];
            if (second == 0 || second > book.deadline || second > some[i].expiry) continue;
            payout += some[i].amount;
            all[length++] = some[i].digest;
        }
        if (payout > book.held) payout = book.held;
        assembly ("memory-safe") {
            mstore(all, length)
        }
    }

    /// @dev Each side has just what it must have, in its account or as a credit.
    function _ended(uint256 which, uint256[2] memory before, uint256 payout, bytes32 root) internal {
        Book storage book = books[which];
        uint256[2] memory afterwards = _wealth(book.channel);
        require(afterwards[1] - before[1] == payout, "verifier");
        require(afterwards[0] - before[0] == book.held - payout, "requester");
        book.status = ChannelStatus.Settled;
        book.paid = afterwards[0] + afterwards[1] - before[0] - before[1];
        (book.last, book.held, book.root) = (book.held, 0, root);
    }

    function _wealth(Channel memory channel) internal view returns (uint256[2] memory) {
        return [_wealthOf(channel.token, channel.requester), _wealthOf(channel.token, channel.verifier)];
    }

    function _wealthOf(address coin, address account) private view returns (uint256) {
        uint256 balance = coin == address(0) ? account.balance : token.balanceOf(account);
        return balance + channels.creditOf(coin, account);
    }

    function _packed(uint256 which, uint256 place) internal view returns (bytes memory packed) {
        Lock[] storage some = locks[which][place];
        for (uint256 i = 0; i < some.length; ++i) {
            bytes32 keyHash = sha256(abi.encode(some[i].key));
            packed = abi.encodePacked(packed, keyHash, some[i].digest, some[i].amount, some[i].expiry);
        }
    }

    function _signed(uint256 which, uint256 place) internal view returns (bytes memory) {
        State memory state = states[which][place];
        if (state.version == 0) return "";
        return _both(books[which].channel, channels.hashState(books[which].id, state));
    }

    function _both(Channel memory channel, bytes32 hash) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(_keyOf(channel.requester), hash);
        (bytes32 r2, bytes32 vs2) = vm.signCompact(_keyOf(channel.verifier), hash);
        return abi.encodePacked(r, vs, r2, vs2);
    }

    function _keyOf(address account) private pure returns (uint256 key) {
        for (key = 1; vm.addr(key) != account; ++key) require(key < PEOPLE, "nobody");
    }
}
