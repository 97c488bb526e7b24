// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

/// @title The two encodings of a proposal
/// @notice What its id is the hash of, and what `ProposalCreated` carries: the same arrays twice. The compiler's encoder takes
/// about 2,900 gas more for the two, which decides whether a proposal stays under its ceiling.
/// @dev All calls of a proposal go to one target, without value and without a signature text.
library ProposalEncoding {
    /// @notice `abi.encode(targets, values, calldatas, descriptionHash)`, the hash still zero; in words of n calls:
    ///
    ///     0x80 | to values | to calldatas | hash | n, target.. | n, 0.. | n, offset.., (length, bytes padded)..
    function encode(address target, bytes[] calldata calls) internal pure returns (bytes memory encoded) {
        uint256 size = calls.length;
        uint256 next;
        assembly ("memory-safe") {
            encoded := mload(0x40)
            let head := add(encoded, 0x20)
            let array := shl(5, add(size, 1))
            mstore(head, 0x80)
            mstore(add(head, 0x20), add(0x80, array))
            mstore(add(head, 0x40), add(0x80, shl(1, array)))
            mstore(add(head, 0x60), 0)
            let targets := add(head, 0x80)
            let values := add(targets, array)
            let calldatas := add(values, array)
            mstore(targets, size)
            mstore(values, size)
            mstore(calldatas, size)
            for {
                let i := 0x20
            } lt(i, array) {
                i := add(i, 0x20)
            } {
                mstore(add(targets, i), target)
                mstore(add(values, i), 0)
            }
            next := add(calldatas, array)
            mstore(0x40, next)
        }
        for (uint256 i = 0; i < size; ++i) {
            bytes calldata call = calls[i];
            assembly ("memory-safe") {
                // Offsets count from behind the array's length.
                let first := add(add(encoded, 0xc0), shl(6, add(size, 1)))
                mstore(add(first, shl(5, i)), sub(next, first))
                mstore(next, call.length)
                let end := add(add(next, 0x20), call.length)
                calldatacopy(add(next, 0x20), call.offset, call.length)
                // The padding of the last word.
                mstore(end, 0)
                next := and(add(end, 0x1f), not(0x1f))
                mstore(0x40, next)
            }
        }
        assembly ("memory-safe") {
            mstore(encoded, sub(sub(next, encoded), 0x20))
        }
    }

    /// @notice Puts the description's hash into its place and gives the proposal's id.
    function idOf(bytes memory encoded, string memory description) internal pure returns (uint256) {
        return idOfHash(encoded, keccak256(bytes(description)));
    }

    /// @notice The same, by the description's hash.
    function idOfHash(bytes memory encoded, bytes32 descriptionHash) internal pure returns (uint256 proposalId) {
        assembly ("memory-safe") {
            mstore(add(encoded, 0x80), descriptionHash)
            proposalId := keccak256(add(encoded, 0x20), mload(encoded))
        }
    }

    /// @notice Emits `ProposalCreated` of the calls encoded by {encode}.
    function emitCreated(
        uint256 proposalId,
        address proposer,
        bytes memory encoded,
        uint256 voteStart,
        uint256 voteEnd,
        string memory description
    ) internal {
        bytes32 topic = IGovernor.ProposalCreated.selector;
        assembly ("memory-safe") {
            // Scratch at the free memory pointer: nothing is allocated.
            let data := mload(0x40)
            let source := add(encoded, 0xa0)
            let size := mload(source)
            let array := shl(5, add(size, 1))
            mstore(data, proposalId)
            mstore(add(data, 0x20), proposer)
            // To the targets, behind nine words; to the values; to the signatures, n empty strings.
            mstore(add(data, 0x40), 0x120)
            mstore(add(data, 0x60), add(0x120, array))
            let place := add(0x120, shl(1, array))
            mstore(add(data, 0x80), place)
            mcopy(add(data, 0x120), source, shl(1, array))
            mstore(add(data, place), size)
            for {
                let i := 0
            } lt(i, size) {
                i := add(i, 1)
            } {
                let item := add(add(data, add(place, 0x20)), shl(5, i))
                mstore(item, shl(5, add(size, i)))
                mstore(add(item, shl(5, size)), 0)
            }
            place := add(add(place, 0x20), shl(6, size))
            // To the calldatas.
            mstore(add(data, 0xa0), place)
            let rest := sub(sub(mload(encoded), 0x80), shl(1, array))
            mcopy(add(data, place), add(source, shl(1, array)), rest)
            place := add(place, rest)
            mstore(add(data, 0xc0), voteStart)
            mstore(add(data, 0xe0), voteEnd)
            // To the description.
            mstore(add(data, 0x100), place)
            let length := mload(description)
            let end := add(add(data, add(place, 0x20)), length)
            mcopy(add(data, place), description, add(length, 0x20))
            mstore(end, 0)
            log1(data, sub(and(add(end, 0x1f), not(0x1f)), data), topic)
        }
    }
}
