// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Weight } from "../interfaces/IConsortiumGovernor.sol";

/// @title Weights kept as the code of a contract
/// @notice A STOP byte, then 22 bytes for each weight in ascending order of the accounts (see CommitteeBlob, which also says
/// where it is and reads it):
///
///     00 | account 0 (20) | votes 0 (2) | account 1 | votes 1 | ...
library WeightsBlob {
    uint256 private constant STRIDE = 22;

    /// @notice Writes the weights as the next contract that the caller creates.
    /// @return pointer Where they are; zero where they could not be created.
    function write(Weight[] calldata weights) internal returns (address pointer) {
        bytes memory packed;
        for (uint256 i = 0; i < weights.length; ++i) {
            packed = abi.encodePacked(packed, weights[i].account, weights[i].votes);
        }
        // The same 11 bytes of creation code as a committee's: PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN;
        // then the STOP byte.
        bytes memory code = abi.encodePacked(hex"61", uint16(packed.length + 1), hex"80600a5f395ff300", packed);
        assembly ("memory-safe") {
            pointer := create(0, add(code, 0x20), mload(code))
        }
    }

    /// @notice The votes of an account in a loaded blob; 1 where it is not named.
    function votesOf(bytes memory packed, address account) internal pure returns (uint256 votes) {
        votes = 1;
        assembly ("memory-safe") {
            // The first place is behind the length word; 22 bytes of a loaded word count.
            let place := add(packed, 0x20)
            for {
                let last := add(place, mload(packed))
            } lt(place, last) {
                place := add(place, STRIDE)
            } {
                let word := mload(place)
                if eq(shr(96, word), account) {
                    votes := and(shr(80, word), 0xffff)
                    break
                }
            }
        }
    }
}
