// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Kind } from "../interfaces/IConsortiumGovernor.sol";

/// @title The description of a proposal
/// @notice `<kind> 0x<content hash>#proposer=0x<address>`, hexadecimal in lower case. The end is the mark by which
/// OpenZeppelin's Governor keeps others from handing in a proposal first: the id covers the description.
library ProposalText {
    /// @notice The description that the events carry, and whose hash the id has.
    function describe(
        Kind kind,
        bytes32 contentHash,
        address proposer
    ) internal pure returns (string memory description) {
        (bytes32 name, uint256 length) = nameOf(kind);
        bytes32 hashHead = hexOf(uint256(contentHash) >> 128);
        bytes32 hashTail = hexOf(uint256(contentHash) & type(uint128).max);
        bytes32 accountHead = hexOf(uint256(uint160(proposer)) >> 128);
        bytes32 accountTail = hexOf(uint256(uint160(proposer)) & type(uint128).max);
        assembly ("memory-safe") {
            description := mload(0x40)
            // Each piece overwrites what the word of the one before has too much.
            let place := add(description, 0x20)
            mstore(place, name)
            place := add(place, length)
            mstore(place, " 0x")
            mstore(add(place, 3), hashHead)
            mstore(add(place, 35), hashTail)
            mstore(add(place, 67), "#proposer=0x")
            // 8 digits, the lower ones of their word.
            mstore(add(place, 79), shl(192, accountHead))
            mstore(add(place, 87), accountTail)
            mstore(description, add(length, 119))
            // Behind the last word that was touched.
            mstore(0x40, and(add(place, 150), not(0x1f)))
        }
    }

    /// @notice The word for a kind, and how many bytes it has.
    function nameOf(Kind kind) internal pure returns (bytes32 name, uint256 length) {
        if (kind == Kind.Resource) return ("resource", 8);
        if (kind == Kind.General) return ("general", 7);
        if (kind == Kind.Admission) return ("admission", 9);
        if (kind == Kind.Suspension) return ("suspension", 10);
        if (kind == Kind.Removal) return ("removal", 7);
        if (kind == Kind.Authenticator) return ("authenticator", 13);
        return ("parameter", 9);
    }

    /// @notice 32 hexadecimal digits of a number below 2^128.
    /// @dev All digits at once: OpenZeppelin's Strings goes digit by digit, at some 100 gas each.
    function hexOf(uint256 number) internal pure returns (bytes32) {
        // Sums of bytes that stay below 256, so nothing carries over.
        unchecked {
            // Half, quarter, ... of the digits each go to their own half, until each has a byte.
            number = (number | (number << 64)) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
            number = (number | (number << 32)) & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
            number = (number | (number << 16)) & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
            number = (number | (number << 8)) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
            number = (number | (number << 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            uint256 ones = type(uint256).max / 255;
            // 10 to 15 carry into the upper half of their byte when 6 is added: those are letters, 39 further than digits.
            uint256 letters = ((number + 6 * ones) >> 4) & ones;
            return bytes32(number + 0x30 * ones + 39 * letters);
        }
    }
}
