// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title EIP-2098 signatures packed one after the other
/// @notice 64 bytes each: r, then yParityAndS (the parity in the top bit, s in the other 255).
/// @dev OpenZeppelin's ECDSA does the same for one signature at a time, at about 350 gas more for each signer.
library CompactSignatures {
    /// @notice Half of the secp256k1 order: a larger s is the mirror image of a signature (EIP-2).
    uint256 internal constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Checks one signature for each set bit of the bitmap, lowest bit first.
    /// @dev The caller checks that there are 64 bytes for each set bit, and that no bit is beyond the members.
    /// @param members 20 bytes each (see CommitteeBlob); none is zero, so a signature of nobody never fits.
    /// @return valid Whether each signature is by the member of its bit, with s in the lower half. If not:
    /// @return index the first member for which it is not so,
    /// @return signer who signed in the member's place (zero: nobody),
    /// @return s the signature's s value.
    function check(
        bytes calldata signatures,
        bytes32 digest,
        uint256 bitmap,
        bytes memory members
    ) internal view returns (bool valid, uint256 index, address signer, uint256 s) {
        assembly ("memory-safe") {
            // ecrecover takes digest, v, r and s, a word each; scratch at the free memory pointer, nothing is allocated.
            let input := mload(0x40)
            mstore(input, digest)
            valid := 1
            let place := signatures.offset
            // Member 0 ends 20 bytes after the length word: loaded there, it is the low end of a word.
            let member := add(members, 20)
            for {} bitmap {
                bitmap := shr(1, bitmap)
                member := add(member, 20)
            } {
                if and(bitmap, 1) {
                    let yParityAndS := calldataload(add(place, 0x20))
                    // Shifted out and back: the parity bit is gone.
                    s := shr(1, shl(1, yParityAndS))
                    mstore(add(input, 0x20), add(27, shr(255, yParityAndS)))
                    mstore(add(input, 0x40), calldataload(place))
                    mstore(add(input, 0x60), s)
                    // The precompile answers nothing at all for a signature of nobody, and for want of gas: zero stays.
                    mstore(0x00, 0)
                    pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
                    // Both are compared by their low 160 bits: above them the loaded word has another member's bytes.
                    if or(gt(s, HALF_ORDER), shl(96, xor(mload(0x00), mload(member)))) {
                        valid := 0
                        signer := mload(0x00)
                        index := sub(div(sub(member, members), 20), 1)
                        break
                    }
                    place := add(place, 0x40)
                }
            }
        }
    }

    /// @notice Who made the signature at an offset; zero for nobody. The caller compares s with {HALF_ORDER}, and keeps 64 bytes
    /// from the offset on within the signatures.
    function signerAt(
        bytes calldata signatures,
        uint256 offset,
        bytes32 digest
    ) internal view returns (address signer, uint256 s) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            let place := add(signatures.offset, offset)
            let yParityAndS := calldataload(add(place, 0x20))
            s := shr(1, shl(1, yParityAndS))
            mstore(input, digest)
            mstore(add(input, 0x20), add(27, shr(255, yParityAndS)))
            mstore(add(input, 0x40), calldataload(place))
            mstore(add(input, 0x60), s)
            // As in {check}.
            mstore(0x00, 0)
            pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
            signer := mload(0x00)
        }
    }

    /// @notice How many bits are set (SWAR, after Hacker's Delight, section 5-1).
    function popcount(uint256 bits) internal pure returns (uint256 count) {
        unchecked {
            // Sums of 2, 4 and 8 bits side by side.
            count = bits - ((bits >> 1) & (type(uint256).max / 3));
            count = (count & (type(uint256).max / 5)) + ((count >> 2) & (type(uint256).max / 5));
            count = (count + (count >> 4)) & (type(uint256).max / 17);
            // 32 bytes of at most 8 each: their sum can be 256, so pairs are added before the product gathers them.
            count = (count & (type(uint256).max / 257)) + ((count >> 8) & (type(uint256).max / 257));
            count = (count * (type(uint256).max / 65535)) >> 240;
        }
    }
}
