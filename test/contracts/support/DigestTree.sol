// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The definition of RFC 9162 (2.1.1) over digests, written recursively: slow and independent of the tree under test.
library DigestTree {
    function root(bytes32[] memory digests, uint256 size) internal pure returns (bytes32) {
        return size == 0 ? sha256("") : range(digests, 0, size);
    }

    /// @notice Roots of the perfect trees that the tree is made of, the largest first.
    function frontier(bytes32[] memory digests, uint256 size) internal pure returns (bytes32[] memory peaks) {
        uint256 length = 0;
        for (uint256 rest = size; rest != 0; rest &= rest - 1) ++length;
        peaks = new bytes32[](length);
        uint256 start = 0;
        for (uint256 i = 0; i < length; ++i) {
            uint256 width = 1;
            while (width * 2 <= size - start) width *= 2;
            peaks[i] = range(digests, start, start + width);
            start += width;
        }
    }

    /// @notice Inclusion path of a digest (2.1.3.1).
    function path(
        bytes32[] memory digests,
        uint256 index,
        uint256 start,
        uint256 end
    ) internal pure returns (bytes32[] memory) {
        if (end - start == 1) return new bytes32[](0);
        uint256 k = start + split(end - start);
        if (index < k) return append(path(digests, index, start, k), range(digests, k, end));
        return append(path(digests, index, k, end), range(digests, start, k));
    }

    function range(bytes32[] memory digests, uint256 start, uint256 end) private pure returns (bytes32) {
        if (end - start == 1) return sha256(abi.encodePacked(bytes1(0x00), digests[start]));
        uint256 k = start + split(end - start);
        return sha256(abi.encodePacked(bytes1(0x01), range(digests, start, k), range(digests, k, end)));
    }

    /// @dev The largest power of two below n.
    function split(uint256 n) private pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    function append(bytes32[] memory list, bytes32 item) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) longer[i] = list[i];
        longer[list.length] = item;
    }
}
