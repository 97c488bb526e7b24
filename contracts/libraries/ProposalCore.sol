// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Aggregation, Kind, Rule } from "../interfaces/IConsortiumGovernor.sol";

/// @notice All that a vote must know about a proposal, in one word that the proposal itself makes non-zero, so that a vote
/// rewrites a slot instead of making a new one:
///
///     255    248 247  244 243    240 239     224 223     216 215     184
///     | status  |  kind  | aggreg. | weights  | proposer  |   epoch   |
///     183    160 159     120 119     96 95    72 71    48 47  24 23      0
///     | period  | voteStart |  quorum  | total  | abstain | for | against |
///
/// `weights` is the version of the weights, `proposer` a place in the electorate. Votes are counted at
/// 24 bits times their support. The electorate has at most 256 members of 65,535 votes: below 2^24.
type ProposalCore is uint256;

using ProposalCores for ProposalCore global;

/// @notice What was done about a proposal, votes aside.
enum Status {
    None,
    Open,
    Canceled,
    Executed
}

/// @title Reading, counting and judging a {ProposalCore}
library ProposalCores {
    uint256 private constant VOTES = 0xffffff;
    /// A quorum is a share of this.
    uint256 internal constant SHARE_WHOLE = 10_000;

    /// @dev The caller keeps each field in its width. Seconds since 1970 need 40 bits until the year 36812, and an
    /// epoch costs a vote and a committee: 32 bits are never used up.
    function create(
        Kind ofKind,
        Rule memory rule,
        uint256 weights,
        uint256 place,
        uint256 inEpoch,
        uint256 start,
        uint256 total
    ) internal pure returns (ProposalCore) {
        // All terms fit their places.
        unchecked {
            uint256 quorum = (total * rule.quorumShare + SHARE_WHOLE - 1) / SHARE_WHOLE;
            return
                ProposalCore.wrap(
                    (uint256(Status.Open) << 248) |
                        (uint256(ofKind) << 244) |
                        (uint256(rule.aggregation) << 240) |
                        (weights << 224) |
                        (place << 216) |
                        (inEpoch << 184) |
                        (uint256(rule.periodSeconds) << 160) |
                        (start << 120) |
                        (quorum << 96) |
                        (total << 72)
                );
        }
    }

    // ---------------------------------------------------------------- fields

    function status(ProposalCore core) internal pure returns (Status) {
        return Status(ProposalCore.unwrap(core) >> 248);
    }

    function kind(ProposalCore core) internal pure returns (Kind) {
        return Kind((ProposalCore.unwrap(core) >> 244) & 0xf);
    }

    function aggregation(ProposalCore core) internal pure returns (Aggregation) {
        return Aggregation((ProposalCore.unwrap(core) >> 240) & 0xf);
    }

    function weightsVersion(ProposalCore core) internal pure returns (uint16) {
        return uint16(ProposalCore.unwrap(core) >> 224);
    }

    function proposer(ProposalCore core) internal pure returns (uint8) {
        return uint8(ProposalCore.unwrap(core) >> 216);
    }

    function epoch(ProposalCore core) internal pure returns (uint64) {
        return uint32(ProposalCore.unwrap(core) >> 184);
    }

    function voteStart(ProposalCore core) internal pure returns (uint256) {
        return uint40(ProposalCore.unwrap(core) >> 120);
    }

    /// @notice The last second in which votes are taken.
    function voteEnd(ProposalCore core) internal pure returns (uint256) {
        // A sum of 40 and 24 bits.
        unchecked {
            return voteStart(core) + uint24(ProposalCore.unwrap(core) >> 160);
        }
    }

    function quorumVotes(ProposalCore core) internal pure returns (uint256) {
        return (ProposalCore.unwrap(core) >> 96) & VOTES;
    }

    function totalVotes(ProposalCore core) internal pure returns (uint256) {
        return (ProposalCore.unwrap(core) >> 72) & VOTES;
    }

    /// @notice The votes of one support: 0 against, 1 for, 2 abstain.
    function votes(ProposalCore core, uint256 support) internal pure returns (uint256) {
        unchecked {
            return (ProposalCore.unwrap(core) >> (24 * support)) & VOTES;
        }
    }

    // ---------------------------------------------------------------- changes

    /// @dev The caller counts each member of the electorate once and checks the support, so no field overflows.
    function withVotes(ProposalCore core, uint256 support, uint256 weight) internal pure returns (ProposalCore) {
        unchecked {
            return ProposalCore.wrap(ProposalCore.unwrap(core) + (weight << (24 * support)));
        }
    }

    function withStatus(ProposalCore core, Status newStatus) internal pure returns (ProposalCore) {
        return ProposalCore.wrap((ProposalCore.unwrap(core) & (type(uint256).max >> 8)) | (uint256(newStatus) << 248));
    }

    // ---------------------------------------------------------------- judgement

    /// @notice Whether the outcome is certain, whatever those who have not voted do.
    /// @param isOver Whether nobody can vote any more; then one of the two is true.
    /// @return passed It has passed.
    /// @return defeated It is defeated.
    function outcome(ProposalCore core, bool isOver) internal pure returns (bool passed, bool defeated) {
        // Sums of 24-bit numbers.
        unchecked {
            uint256 against = votes(core, 0);
            uint256 inFavour = votes(core, 1);
            uint256 cast = against + inFavour + votes(core, 2);
            uint256 total = totalVotes(core);
            uint256 out = isOver ? 0 : total - cast;
            Aggregation how = aggregation(core);
            // The worst that can still come is that all others are against, the best that all are for. A quorum that is
            // there stays; one that is not can always still be reached.
            if (how == Aggregation.TwoThirds) {
                passed = inFavour != 0 && inFavour >= 2 * (against + out);
                defeated = inFavour + out == 0 || inFavour + out < 2 * against;
            } else if (how == Aggregation.Unanimity) {
                passed = inFavour == total;
                defeated = cast != inFavour;
            } else {
                passed = inFavour > against + out;
                defeated = inFavour + out <= against;
            }
            passed = passed && cast >= quorumVotes(core);
            defeated = defeated || (isOver && !passed);
        }
    }
}
