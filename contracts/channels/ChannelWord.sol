// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ChannelStatus } from "../interfaces/IEvidenceChannels.sol";

/// @notice All that the contract keeps of a channel, in one slot:
///
///     255 254   253     252      217 216      177 176                  0
///     | status | topped |  deadline  |   version  |  state commitment  |    while it is closing
///     | status | topped |          first 253 bits of the total digest  |    once it is settled
///
/// Topped: more was paid in than it was opened with, and its own slot says how much.
///
/// The commitment is 177 bits of the hash of state and salt. The salt is the hash of the block before, which nobody knows when states are
/// signed: who wants another state with the same commitment cannot look for a pair beforehand (2^88 tries), but must meet the one that
/// was handed in (2^177). Of the total digest 253 bits are enough, since a proof must lead to all 256 of a root that has them: a leaf
/// that is not there needs a second preimage of SHA-256 up to 3 bits.
type ChannelWord is uint256;

using ChannelWordCode for ChannelWord global;

library ChannelWordCode {
    uint256 internal constant MAX_VERSION = (1 << 40) - 1;
    uint256 private constant TOPPED = 1 << 253;
    uint256 private constant COMMITMENT_MASK = (1 << 177) - 1;

    function opened() internal pure returns (ChannelWord) {
        return ChannelWord.wrap(uint256(ChannelStatus.Open) << 254);
    }

    function status(ChannelWord word) internal pure returns (ChannelStatus) {
        return ChannelStatus(ChannelWord.unwrap(word) >> 254);
    }

    function isTopped(ChannelWord word) internal pure returns (bool) {
        return ChannelWord.unwrap(word) & TOPPED != 0;
    }

    function topped(ChannelWord word) internal pure returns (ChannelWord) {
        return ChannelWord.wrap(ChannelWord.unwrap(word) | TOPPED);
    }

    function deadline(ChannelWord word) internal pure returns (uint256) {
        return (ChannelWord.unwrap(word) >> 217) & ((1 << 36) - 1);
    }

    function version(ChannelWord word) internal pure returns (uint256) {
        return (ChannelWord.unwrap(word) >> 177) & MAX_VERSION;
    }

    /// @param until In Unix seconds, below 2^36 (the year 4147).
    /// @param newVersion Below 2^40: the caller has refused others.
    function closing(
        ChannelWord word,
        uint256 until,
        uint256 newVersion,
        bytes32 commitment
    ) internal pure returns (ChannelWord) {
        return
            ChannelWord.wrap(
                (uint256(ChannelStatus.Closing) << 254) |
                    (ChannelWord.unwrap(word) & TOPPED) |
                    (until << 217) |
                    (newVersion << 177) |
                    (uint256(commitment) & COMMITMENT_MASK)
            );
    }

    function commitsTo(ChannelWord word, bytes32 commitment) internal pure returns (bool) {
        return (ChannelWord.unwrap(word) ^ uint256(commitment)) & COMMITMENT_MASK == 0;
    }

    function settled(ChannelWord word, bytes32 digest) internal pure returns (ChannelWord) {
        return
            ChannelWord.wrap(
                (uint256(ChannelStatus.Settled) << 254) | (ChannelWord.unwrap(word) & TOPPED) | (uint256(digest) >> 3)
            );
    }

    function hasDigest(ChannelWord word, bytes32 digest) internal pure returns (bool) {
        return status(word) == ChannelStatus.Settled && (ChannelWord.unwrap(word) ^ (uint256(digest) >> 3)) << 3 == 0;
    }
}
