// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A committee kept as the code of a contract
/// @notice Reading m members costs one cold account access instead of m cold slots (SSTORE2, after 0xsequence and
/// Solady). The blob is a STOP byte, so that nobody can run it, then 20 bytes for each member in order:
///
///     00 | member 0 | member 1 | ... | member m-1
///
/// The contract that writes them creates nothing else, so that the blob of epoch e is its e-th creation and its address
/// follows from the epoch: nobody has to store or ask for it (see {addressOf}).
/// @dev A blob is never changed and cannot destroy itself, so it stays good for ever.
library CommitteeBlob {
    /// @notice Where `writer` puts, or will put, the blob of an epoch.
    /// @dev CREATE: the last 20 bytes of keccak256(rlp([writer, nonce])), and a contract's nonce starts at 1 (EIP-161).
    function addressOf(address writer, uint64 epoch) internal pure returns (address pointer) {
        assembly ("memory-safe") {
            switch lt(epoch, 0x80)
            case 1 {
                // d6: a list of 22 bytes; 94: a string of 20; the writer; the nonce stands for itself.
                mstore(0x00, or(or(shl(240, 0xd694), shl(80, writer)), shl(72, epoch)))
                pointer := keccak256(0x00, 23)
            }
            default {
                // The nonce is a string of n bytes, and the list of 22 + n: its bytes are counted first.
                let n := 1
                for {
                    let rest := shr(8, epoch)
                } rest {
                    rest := shr(8, rest)
                } {
                    n := add(n, 1)
                }
                mstore(0x00, or(or(shl(248, add(0xd6, n)), shl(240, 0x94)), or(shl(80, writer), shl(72, add(0x80, n)))))
                mstore(0x17, shl(sub(256, shl(3, n)), epoch))
                pointer := keccak256(0x00, add(23, n))
            }
            pointer := and(pointer, 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    /// @notice Writes the members as the blob of an epoch.
    /// @param packed As {load} gives them, at most 65,534 bytes.
    /// @return pointer Where it is; the caller checks that it is {addressOf} its own address and the epoch.
    function write(bytes memory packed) internal returns (address pointer) {
        // Creation code, 11 bytes:
        //   61 LLLL  PUSH2 length     the blob's length
        //   80       DUP1
        //   60 0a    PUSH1 10         the code after this prefix
        //   5f       PUSH0            to memory 0
        //   39       CODECOPY
        //   5f       PUSH0            from memory 0
        //   f3       RETURN
        // then the STOP byte, which is the first of the blob.
        bytes memory code = abi.encodePacked(hex"61", uint16(packed.length + 1), hex"80600a5f395ff300", packed);
        assembly ("memory-safe") {
            pointer := create(0, add(code, 0x20), mload(code))
        }
    }

    /// @notice Members as they stand in a blob, 20 bytes each.
    function pack(address[] memory members) internal pure returns (bytes memory packed) {
        assembly ("memory-safe") {
            let size := mload(members)
            packed := mload(0x40)
            mstore(packed, mul(size, 20))
            let target := add(packed, 0x20)
            let source := add(members, 0x20)
            for {
                let last := add(source, shl(5, size))
            } lt(source, last) {
                source := add(source, 0x20)
                target := add(target, 20)
            } {
                // Left-aligned, so that the next member overwrites the 12 bytes of zero behind it.
                mstore(target, shl(96, mload(source)))
            }
            // Behind the last word that was touched, on a word boundary.
            mstore(0x40, and(add(target, 0x2b), not(0x1f)))
        }
    }

    /// @notice Loaded members with one more at the end.
    function joined(bytes memory packed, address account) internal pure returns (bytes memory) {
        return abi.encodePacked(packed, account);
    }

    /// @notice Loaded members without one of them, in the memory that they are in; the caller keeps the index below {count}.
    function without(bytes memory packed, uint256 index) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            let length := sub(mload(packed), 20)
            let place := add(add(packed, 0x20), mul(index, 20))
            mcopy(place, add(place, 20), sub(length, mul(index, 20)))
            mstore(packed, length)
        }
        return packed;
    }

    /// @notice Loaded members with another one in a place, in the memory that they are in; the caller keeps the index below
    /// {count}.
    function replaced(bytes memory packed, uint256 index, address account) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            // The word that ends with the member; the 12 bytes before it stay.
            let place := add(add(packed, 20), mul(index, 20))
            mstore(place, or(shl(160, shr(160, mload(place))), account))
        }
        return packed;
    }

    /// @notice The members packed as they stand in the blob, 20 bytes each; empty where there is no blob.
    function load(address pointer) internal view returns (bytes memory packed) {
        assembly ("memory-safe") {
            packed := mload(0x40)
            let length := extcodesize(pointer)
            // Without the STOP byte.
            length := sub(length, iszero(iszero(length)))
            mstore(packed, length)
            extcodecopy(pointer, add(packed, 0x20), 1, length)
            // Keeps the free memory pointer on a word boundary.
            mstore(0x40, and(add(add(packed, length), 0x3f), not(0x1f)))
        }
    }

    /// @notice The members of an epoch as {load} gives them, if it is the writer's newest: its blob is there and the next
    /// one's is not. Empty otherwise. The writer itself need not be called.
    function loadNewest(address writer, uint64 epoch) internal view returns (bytes memory packed) {
        unchecked {
            packed = load(addressOf(writer, epoch));
            if (addressOf(writer, epoch + 1).code.length != 0) packed = "";
        }
    }

    /// @notice How many members a loaded blob has.
    function count(bytes memory packed) internal pure returns (uint256) {
        return packed.length / 20;
    }

    /// @notice Member `index` of a loaded blob; the caller keeps the index below {count}.
    function memberAt(bytes memory packed, uint256 index) internal pure returns (address member) {
        assembly ("memory-safe") {
            member := shr(96, mload(add(add(packed, 0x20), mul(index, 20))))
        }
    }

    /// @notice The index of an account in a loaded blob; {count} where it is no member.
    /// @dev Eight at a time: a vote by transaction looks its voter up, 109 gas a member one by one and 37 so.
    function indexOf(bytes memory packed, address account) internal pure returns (uint256 index) {
        assembly ("memory-safe") {
            let first := add(packed, 0x20)
            let place := first
            for {
                let end := add(first, mload(packed))
            } lt(place, end) {
                place := add(place, 160)
            } {
                let hit := eq(shr(96, mload(place)), account)
                hit := or(hit, eq(shr(96, mload(add(place, 20))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 40))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 60))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 80))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 100))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 120))), account))
                hit := or(hit, eq(shr(96, mload(add(place, 140))), account))
                if hit {
                    for {} iszero(eq(shr(96, mload(place)), account)) {} {
                        place := add(place, 20)
                    }
                    break
                }
            }
            index := div(sub(place, first), 20)
            // The last eight may go beyond the members, and what lies there may look like one.
            let size := div(mload(packed), 20)
            if gt(index, size) {
                index := size
            }
        }
    }

    /// @notice The members as an array.
    function read(address pointer) internal view returns (address[] memory members) {
        bytes memory packed = load(pointer);
        uint256 size = count(packed);
        members = new address[](size);
        for (uint256 i = 0; i < size; ++i) members[i] = memberAt(packed, i);
    }
}
