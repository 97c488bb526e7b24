// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Application } from "../interfaces/Admission.sol";
import { NodeEntry } from "../interfaces/Node.sol";

/// @title What authenticators sign about candidates, hashed as EIP-712 has it
/// @notice The candidate's information is a struct in the struct, so whoever signs sees its text, and who checks the
/// signature needs only its hash: an application hands in 32 bytes instead of name, endpoint and two keys.
library Attestations {
    bytes32 private constant ENTRY_TYPEHASH = keccak256(
        "Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(address candidate,Entry entry,bytes32 manifestHash,bytes32 profileDigest,uint32 score,uint48 expiry,"
        "uint48 nonce)Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)"
    );

    /// @notice Hash of a node's information.
    function hashEntry(NodeEntry calldata entry) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    ENTRY_TYPEHASH,
                    keccak256(bytes(entry.name)),
                    keccak256(bytes(entry.endpoint)),
                    entry.encryptionKey,
                    entry.noteKey
                )
            );
    }

    /// @notice Hash of an attestation, without the domain.
    /// @dev The application lies in calldata as the struct is encoded: six words, copied behind type hash and candidate.
    /// Words with bits that the types do not have give the hash of no attestation.
    function hashOf(Application calldata application, address candidate) internal pure returns (bytes32 structHash) {
        bytes32 typehash = ATTESTATION_TYPEHASH;
        assembly ("memory-safe") {
            let encoded := mload(0x40)
            mstore(encoded, typehash)
            mstore(add(encoded, 0x20), candidate)
            calldatacopy(add(encoded, 0x40), application, 0xc0)
            structHash := keccak256(encoded, 0x100)
        }
    }
}
