// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ChannelStatus, EvidenceProof, IEvidenceChannels } from "../../contracts/interfaces/IEvidenceChannels.sol";
import { ChannelBooks } from "./support/ChannelBooks.sol";
import { ChannelHandler } from "./support/ChannelHandler.sol";
import { DigestTree } from "./support/DigestTree.sol";

/// @notice What holds after any sequence of acts; the handler's calls must never revert.
contract ChannelInvariants {
    ChannelHandler private handler;
    IEvidenceChannels private channels;

    function setUp() external {
        handler = new ChannelHandler();
        channels = handler.channels();
    }

    /// @dev Read by the test runner: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Of coins and of the token: just what open channels hold and payees can withdraw, as nobody gave anything away.
    function invariant_balanceIsWhatIsOwed() public view {
        for (uint256 kind = 0; kind < 2; ++kind) {
            address coin = kind == 0 ? address(0) : address(handler.token());
            uint256 owed = 0;
            for (uint256 i = 0; i < handler.count(); ++i) {
                ChannelBooks.Book memory book = handler.bookAt(i);
                require(channels.heldOf(book.channel) == book.held, "held");
                if (book.channel.token == coin) owed += book.held;
            }
            for (uint256 i = 0; i < 4; ++i) owed += channels.creditOf(coin, handler.person(i));
            uint256 have = kind == 0 ? address(channels).balance : handler.token().balanceOf(address(channels));
            require(have == owed, "balance");
        }
    }

    function invariant_payoutsAreDeposits() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            ChannelBooks.Book memory book = handler.bookAt(i);
            if (book.status == ChannelStatus.Settled) require(book.held == 0 && book.paid == book.last, "payouts");
        }
    }

    function invariant_versionNeverDecreases() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            ChannelBooks.Book memory book = handler.bookAt(i);
            (ChannelStatus status, uint256 deadline, uint256 version) = channels.statusOf(book.id);
            require(status == book.status, "status");
            if (status != ChannelStatus.Closing) require(deadline == 0 && version == 0, "nothing to tell");
            else require(version == handler.seen(i) && deadline == book.deadline, "version");
        }
    }

    /// @dev What was written first stays, and each digest under it can be proved.
    function invariant_digestIsWrittenOnce() public view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            ChannelBooks.Book memory book = handler.bookAt(i);
            bytes32[] memory digests = handler.digestsOf(i);
            for (uint64 size = 0; size <= digests.length; ++size) {
                bytes32 root = DigestTree.root(digests, size);
                bytes32 have = channels.anchoredEvidence(book.id, size);
                require(have == handler.anchored(i, size), "anchored");
                if (size == 0) continue;
                bool isThere = have == root || (book.status == ChannelStatus.Settled && book.root == root);
                uint64 index = size / 2;
                EvidenceProof memory proof = EvidenceProof(root, index, size, DigestTree.path(digests, index, 0, size));
                require(channels.verifyEvidence(book.id, digests[index], proof) == isThere, "proof");
            }
        }
    }

    /// @dev Whatever happened, each side can end each channel without the other.
    function invariant_everyChannelCanBeFinished() external {
        handler.finish();
        for (uint256 i = 0; i < handler.count(); ++i) {
            require(handler.bookAt(i).status == ChannelStatus.Settled, "not finished");
        }
        invariant_balanceIsWhatIsOwed();
        invariant_payoutsAreDeposits();
        invariant_digestIsWrittenOnce();
    }
}
