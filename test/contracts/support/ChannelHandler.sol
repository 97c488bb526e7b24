// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Channel,
    ChannelStatus,
    Closing,
    IEvidenceChannels,
    State
} from "../../../contracts/interfaces/IEvidenceChannels.sol";
import { ChannelBooks } from "./ChannelBooks.sol";
import { TestToken } from "./ChannelDoubles.sol";
import { DigestTree } from "./DigestTree.sol";
import { vm } from "./Vm.sol";

/// @notice Opens channels, signs states, ends them in every way, with payees and a token that refuse for a while, in any order. Every
/// call is made so that it must succeed, or its refusal is asserted.
contract ChannelHandler is ChannelBooks {
    uint256 private constant CHANNELS = 12;
    /// @dev Reverts.
    bytes private constant REFUSING = hex"60006000fd";
    address private constant PURSE = address(0x1000001);

    address private owner = msg.sender;
    bool private isTokenWilling = true;

    // ---------------------------------------------------------------- acts

    function open(uint256 who, bool isToken, uint64 amount, uint16 extra) external {
        if (!_isWilling(isToken) || books.length == CHANNELS) return;
        Channel memory channel = Channel({
            requester: person(who),
            verifier: person((who % PEOPLE) + 1 + (nonce % (PEOPLE - 1))),
            token: isToken ? address(token) : address(0),
            amount: 1 + uint128(amount),
            challengeSeconds: 60 + uint32(_spread(extra) % 500),
            salt: uint64(nonce++)
        });
        vm.prank(channel.requester);
        bytes32 id = channels.open{ value: isToken ? 0 : channel.amount }(
            channel.verifier,
            channel.token,
            channel.amount,
            channel.challengeSeconds,
            channel.salt
        );
        require(id == channels.channelIdOf(channel), "id");
        uint256 which = books.length;
        books.push(Book(channel, id, channel.amount, ChannelStatus.Open, 0, 0, 0, 0, 0, 0));
        // What nobody signs.
        states[which].push(State(0, channel.amount, 0, 0, DigestTree.root(new bytes32[](0), 0), 0));
    }

    function deposit(uint256 which, uint256 who, uint64 amount) external {
        if (books.length == 0) return;
        Book storage book = books[which % books.length];
        bool isToken = book.channel.token != address(0);
        if (book.status != ChannelStatus.Open || !_isWilling(isToken)) return;
        uint256 value = 1 + uint256(amount);
        vm.prank(person(who));
        try channels.deposit{ value: isToken ? 0 : value }(book.channel, uint128(value), book.held + 1) {
            revert("another held");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IEvidenceChannels.HeldMismatch.selector, "reason");
        }
        vm.prank(person(who));
        channels.deposit{ value: isToken ? 0 : value }(book.channel, uint128(value), book.held);
        book.held += value;
    }

    /// @dev Off the chain: both sign a newer state, with some evidence more and up to three locks.
    function sign(uint256 which, uint8 steps, uint8 paid, uint128 balance, uint8 lockCount) public {
        if (books.length == 0) return;
        which %= books.length;
        Book storage book = books[which];
        State memory last = states[which][states[which].length - 1];
        for (uint256 i = 0; i < paid % 4; ++i) digests[which].push(keccak256(abi.encode(which, nonce++)));
        uint256 place = states[which].length;
        for (uint256 i = 0; i < lockCount % 4; ++i) {
            locks[which][place].push(
                Lock(
                    keccak256(abi.encode("key", nonce++)),
                    keccak256(abi.encode("digest", nonce)),
                    uint128(book.held / (4 + (balance % 7))),
                    uint64(time + (balance % 900))
                )
            );
        }
        uint64 count = uint64(digests[which].length);
        bytes memory packed = _packed(which, place);
        State memory state = State({
            version: last.version + 1 + (steps % 5),
            requesterBalance: 0,
            // Sometimes with its locks more than there is.
            verifierBalance: uint128(balance % (book.held + 1)),
            locksHash: packed.length == 0 ? bytes32(0) : keccak256(packed),
            evidenceRoot: DigestTree.root(digests[which], count),
            evidenceCount: count
        });
        states[which].push(state);
    }

    function startClosing(uint256 which, uint256 place, bool isVerifier) external {
        if (books.length == 0) return;
        which %= books.length;
        if (books[which].status == ChannelStatus.Open) _start(which, place % states[which].length, isVerifier);
    }

    function challenge(uint256 which, uint256 place, bool isLast) external {
        if (books.length == 0) return;
        which %= books.length;
        Book storage book = books[which];
        if (book.status != ChannelStatus.Closing) return;
        if (isLast && time < book.deadline) _pass(book.deadline - time);
        place %= states[which].length;
        bytes memory signatures = _signed(which, place);
        bytes4 refusal;
        if (time > book.deadline) refusal = IEvidenceChannels.ChallengeOver.selector;
        else if (states[which][place].version <= seen[which]) refusal = IEvidenceChannels.VersionInvalid.selector;
        try channels.challenge(book.channel, states[which][place], signatures) {
            require(refusal == 0, "challenged all the same");
            _handedIn(which, place);
        } catch (bytes memory reason) {
            require(bytes4(reason) == refusal, "not challenged");
        }
    }

    function reveal(uint256 which, uint256 place, uint256 index) external {
        if (books.length == 0) return;
        which %= books.length;
        Lock[] storage some = locks[which][place % states[which].length];
        if (some.length != 0) _reveal(some[index % some.length].key);
    }

    /// @dev A state with locks goes on chain, and their keys become public one by one, in time and too late.
    function race(uint256 which, uint128 balance, uint256 moments) external {
        if (books.length == 0) return;
        which %= books.length;
        if (books[which].status == ChannelStatus.Settled) return;
        // The runner likes small numbers.
        moments = _spread(moments);
        if (books[which].status == ChannelStatus.Open) {
            sign(which, 0, 1, uint128(_spread(balance)), 3);
            _start(which, states[which].length - 1, moments % 2 == 0);
        }
        Lock[] storage some = locks[which][books[which].place];
        for (uint256 i = 0; i < some.length; ++i) {
            moments >>= 16;
            _pass(moments % 120);
            if (moments % 3 != 0) _reveal(some[i].key);
        }
    }

    function settle(uint256 which) external {
        if (books.length == 0) return;
        which %= books.length;
        if (books[which].status == ChannelStatus.Closing) _settle(which);
    }

    function closeTogether(uint256 which, uint128 balance, bool isSettledFirst) external {
        if (books.length == 0) return;
        which %= books.length;
        Book storage book = books[which];
        if (book.status == ChannelStatus.Settled && !isSettledFirst) return;
        uint64 count = uint64(digests[which].length);
        Closing memory closing = Closing(
            uint128(book.held / 3),
            uint128(balance % (book.held - book.held / 3 + 1)),
            DigestTree.root(digests[which], count),
            count
        );
        bytes memory signatures = _both(book.channel, channels.hashClose(book.id, closing));
        uint256[2] memory before = _wealth(book.channel);
        try channels.closeTogether(book.channel, closing, signatures) {
            require(book.status != ChannelStatus.Settled, "settled twice");
            _ended(which, before, closing.verifierBalance, closing.evidenceRoot);
        } catch (bytes memory reason) {
            require(book.status == ChannelStatus.Settled, "not settled");
            require(bytes4(reason) == IEvidenceChannels.ChannelStatusMismatch.selector, "reason");
        }
    }

    /// @dev Of a state, or of one with as many digests, but others: then it is refused where the first is written.
    function anchor(uint256 which, uint256 place, bool isOther) external {
        if (books.length == 0) return;
        which %= books.length;
        State memory state = states[which][place % states[which].length];
        if (state.evidenceCount == 0) return;
        if (isOther) state.evidenceRoot = keccak256(abi.encode(state.evidenceRoot));
        if (state.version == 0) state.version = 1;
        Book storage book = books[which];
        bytes memory signatures = _both(book.channel, channels.hashState(book.id, state));
        bytes32 have = anchored[which][state.evidenceCount];
        try channels.anchorEvidence(book.channel, state, signatures) {
            require(have == 0 || have == state.evidenceRoot, "written twice");
            anchored[which][state.evidenceCount] = state.evidenceRoot;
        } catch (bytes memory reason) {
            require(have != 0 && have != state.evidenceRoot, "not anchored");
            require(bytes4(reason) == IEvidenceChannels.DigestWritten.selector, "reason");
        }
    }

    function withdraw(uint256 who, bool isToken) external {
        address account = person(who);
        address coin = isToken ? address(token) : address(0);
        uint256 credit = channels.creditOf(coin, account);
        if (credit == 0 || !_isWilling(isToken)) return;
        vm.prank(account);
        // Not to the account, which may refuse it.
        channels.withdraw(coin, PURSE);
        require(channels.creditOf(coin, account) == 0, "credit");
    }

    function pass(uint16 forward) external {
        _pass(forward % 700);
    }

    function refuse(uint256 who, bool isRefusing) external {
        vm.etch(person(who), isRefusing ? REFUSING : bytes(""));
    }

    function setMood(uint8 mood) external {
        TestToken.Mood[4] memory moods = [
            TestToken.Mood.Honest,
            TestToken.Mood.Reverting,
            TestToken.Mood.AnsweringNothing,
            TestToken.Mood.AnsweringFalse
        ];
        token.setMood(moods[mood % 4], address(0), "");
        isTokenWilling = mood % 2 == 0;
    }

    /// @notice Ends every channel as its sides can without the other; only the invariants call it.
    function finish() external {
        if (msg.sender != owner) return;
        for (uint256 which = 0; which < books.length; ++which) {
            Book storage book = books[which];
            if (book.status == ChannelStatus.Open) {
                _start(which, states[which].length - 1, which % 2 == 0);
            }
            if (book.status == ChannelStatus.Closing) _settle(which);
        }
    }

    function _start(uint256 which, uint256 place, bool isVerifier) private {
        Book storage book = books[which];
        bytes memory signatures = _signed(which, place);
        vm.prank(isVerifier ? book.channel.verifier : book.channel.requester);
        channels.startClosing(book.channel, states[which][place], signatures);
        book.status = ChannelStatus.Closing;
        book.deadline = time + book.channel.challengeSeconds;
        _handedIn(which, place);
    }

    function _reveal(bytes32 key) private {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = key;
        channels.reveal(keys);
        bytes32 keyHash = sha256(abi.encode(key));
        if (revealed[keyHash] == 0) revealed[keyHash] = time;
    }

    function _spread(uint256 number) private returns (uint256) {
        return uint256(keccak256(abi.encode(number, nonce++)));
    }

    function _isWilling(bool isToken) private view returns (bool) {
        return !isToken || isTokenWilling;
    }
}
