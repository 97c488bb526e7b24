// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Channel, Closing, State } from "../interfaces/IEvidenceChannels.sol";

/// @title Ids of channels and hashes of what is signed
/// @notice What `keccak256(abi.encode(…))` gives, without a check of each field.
/// @dev A struct is taken from calldata as it lies there: its words are those of its encoding. A field with bits beyond its type
/// makes another hash, one that no channel has and nobody has signed; and reading such a field reverts.
library ChannelHashes {
    bytes32 private constant STATE_TYPE = keccak256(
        "State(bytes32 channelId,uint64 version,uint128 requesterBalance,uint128 verifierBalance,bytes32 locksHash,bytes32 evidenceRoot,uint64 evidenceCount)"
    );
    bytes32 private constant CLOSE_TYPE = keccak256(
        "Close(bytes32 channelId,uint128 requesterBalance,uint128 verifierBalance,bytes32 evidenceRoot,uint64 evidenceCount)"
    );

    /// @notice Hash of chain id, this contract and the channel.
    function idOf(Channel calldata channel) internal view returns (bytes32 channelId) {
        assembly ("memory-safe") {
            // Behind the free memory pointer in all of these: nothing is allocated.
            let buffer := mload(0x40)
            mstore(buffer, chainid())
            mstore(add(buffer, 0x20), address())
            calldatacopy(add(buffer, 0x40), channel, 0xc0)
            channelId := keccak256(buffer, 0x100)
        }
    }

    /// @notice EIP-712 struct hash of `State`.
    function hashOf(State calldata state, bytes32 channelId) internal pure returns (bytes32 hash) {
        bytes32 typeHash = STATE_TYPE;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, typeHash)
            mstore(add(buffer, 0x20), channelId)
            calldatacopy(add(buffer, 0x40), state, 0xc0)
            hash := keccak256(buffer, 0x100)
        }
    }

    /// @notice EIP-712 struct hash of `Close`.
    function hashOf(Closing calldata closing, bytes32 channelId) internal pure returns (bytes32 hash) {
        bytes32 typeHash = CLOSE_TYPE;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, typeHash)
            mstore(add(buffer, 0x20), channelId)
            calldatacopy(add(buffer, 0x40), closing, 0x80)
            hash := keccak256(buffer, 0xc0)
        }
    }

    /// @notice What a {ChannelWord} keeps some bits of.
    function commitment(bytes32 structHash, bytes32 salt) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, structHash)
            mstore(0x20, salt)
            hash := keccak256(0x00, 0x40)
        }
    }
}
