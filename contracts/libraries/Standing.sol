// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { NodeStatus } from "../interfaces/Node.sol";

/// @notice Where a node stands, in one word, the only one that an application writes:
///
///     255        96 95       56 55         24 23      16 15             8 7      0
///     | application | appliedAt | activeSince | isListed | isAuthenticator | status |
///
/// 160 bits of an application's hash are enough: who finds two of one value has attestations for both, and can only choose
/// between two texts of its own. An epoch costs a committee, so 32 bits are never used up; seconds since 1970 need 40 until
/// the year 36812. `isListed`: the account is among those that can be paged through, where an application alone does not
/// bring it.
type Standing is uint256;

using Standings for Standing global;

/// @title Reading and changing a {Standing}
library Standings {
    uint256 private constant AUTHENTICATOR = 1 << 8;
    uint256 private constant LISTED = 1 << 16;
    uint256 private constant SINCE = uint256(type(uint32).max) << 24;
    uint256 private constant APPLIED = uint256(type(uint40).max) << 56;

    // ---------------------------------------------------------------- fields

    function status(Standing standing) internal pure returns (NodeStatus) {
        return NodeStatus(uint8(Standing.unwrap(standing)));
    }

    function isAuthenticator(Standing standing) internal pure returns (bool) {
        return Standing.unwrap(standing) & AUTHENTICATOR != 0;
    }

    function isListed(Standing standing) internal pure returns (bool) {
        return Standing.unwrap(standing) & LISTED != 0;
    }

    function activeSince(Standing standing) internal pure returns (uint32) {
        return uint32(Standing.unwrap(standing) >> 24);
    }

    function appliedAt(Standing standing) internal pure returns (uint40) {
        return uint40(Standing.unwrap(standing) >> 56);
    }

    function application(Standing standing) internal pure returns (bytes20) {
        return bytes20(bytes32(Standing.unwrap(standing)));
    }

    /// @notice Whether it is an authenticator, which only an active node is.
    function mayAttest(Standing standing) internal pure returns (bool) {
        return uint16(Standing.unwrap(standing)) == (AUTHENTICATOR | uint256(NodeStatus.Active));
    }

    // ---------------------------------------------------------------- changes

    function withStatus(Standing standing, NodeStatus newStatus) internal pure returns (Standing) {
        return Standing.wrap((Standing.unwrap(standing) & ~uint256(0xff)) | uint256(newStatus));
    }

    function withAuthenticator(Standing standing, bool isAllowed) internal pure returns (Standing) {
        return Standing.wrap((Standing.unwrap(standing) & ~AUTHENTICATOR) | (isAllowed ? AUTHENTICATOR : 0));
    }

    function listed(Standing standing) internal pure returns (Standing) {
        return Standing.wrap(Standing.unwrap(standing) | LISTED);
    }

    /// @notice A member of the committee from an epoch on, which is below 2^32.
    function activated(Standing standing, uint256 epoch) internal pure returns (Standing) {
        uint256 word = Standing.unwrap(standing.withStatus(NodeStatus.Active));
        return Standing.wrap((word & ~SINCE) | (epoch << 24));
    }

    /// @notice A candidate that applied at a time, which is below 2^40.
    function applied(Standing standing, uint256 time, bytes20 name) internal pure returns (Standing) {
        uint256 word = Standing.unwrap(standing.withStatus(NodeStatus.Candidate)) & (SINCE | 0xffffff);
        return Standing.wrap(word | (time << 56) | uint256(bytes32(name)));
    }

    /// @notice Out for good: without rights and application, but with the time of that.
    function cleared(Standing standing, NodeStatus newStatus) internal pure returns (Standing) {
        uint256 word = Standing.unwrap(standing) & (APPLIED | SINCE | LISTED);
        return Standing.wrap(word | uint256(newStatus));
    }
}
