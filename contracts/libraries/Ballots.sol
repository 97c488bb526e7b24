// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title Signed votes: what is signed, and how those without a reason are packed
library Ballots {
    bytes32 private constant BALLOT_TYPEHASH = keccak256("Ballot(uint256 proposalId,uint8 support,address voter)");
    bytes32 private constant REASONED_BALLOT_TYPEHASH = keccak256(
        "ReasonedBallot(uint256 proposalId,uint8 support,address voter,string reason)"
    );

    /// @notice Place, support and an EIP-2098 signature.
    uint256 internal constant COMPACT_BYTES = 66;

    /// @notice The packed vote at an offset; the caller keeps it a multiple of 66 below the length, which is a multiple of 66
    /// too.
    function compactAt(
        bytes calldata compact,
        uint256 start
    ) internal pure returns (uint256 place, uint8 support, bytes32 r, bytes32 vs) {
        assembly ("memory-safe") {
            let from := add(compact.offset, start)
            let word := calldataload(from)
            place := byte(0, word)
            support := byte(1, word)
            r := calldataload(add(from, 2))
            vs := calldataload(add(from, 34))
        }
    }

    /// @notice EIP-712 digest of a `Ballot`.
    /// @dev Scratch at the free memory pointer, nothing is allocated: this is done for each vote of a batch.
    function digestOf(
        bytes32 separator,
        uint256 proposalId,
        uint8 support,
        address voter
    ) internal pure returns (bytes32 digest) {
        bytes32 typehash = BALLOT_TYPEHASH;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            mstore(add(data, 0x20), proposalId)
            mstore(add(data, 0x40), support)
            mstore(add(data, 0x60), voter)
            let structHash := keccak256(data, 0x80)
            // EIP-712: 0x19 0x01, the domain, the struct.
            mstore(data, shl(240, 0x1901))
            mstore(add(data, 2), separator)
            mstore(add(data, 34), structHash)
            digest := keccak256(data, 66)
        }
    }

    /// @notice EIP-712 digest of a `ReasonedBallot`, or of a `Ballot` where the reason is empty.
    function digestWithReason(
        bytes32 separator,
        uint256 proposalId,
        uint8 support,
        address voter,
        string memory reason
    ) internal pure returns (bytes32) {
        if (bytes(reason).length == 0) return digestOf(separator, proposalId, support, voter);
        return
            MessageHashUtils.toTypedDataHash(
                separator,
                keccak256(abi.encode(REASONED_BALLOT_TYPEHASH, proposalId, support, voter, keccak256(bytes(reason))))
            );
    }
}
