// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The definitions of RFC 9162 (2.1.1, 2.1.3.1, 2.1.4.1) over leaf i = SHA-256(0x00 || i), written recursively:
/// slow and independent of the verifier under test.
library ReferenceTree {
    function leaf(uint256 i) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), i));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    function root(uint256 start, uint256 end) internal pure returns (bytes32) {
        if (end - start == 1) return leaf(start);
        uint256 k = split(end - start);
        return node(root(start, start + k), root(start + k, end));
    }

    function inclusion(uint256 m, uint256 start, uint256 end) internal pure returns (bytes32[] memory) {
        if (end - start == 1) return new bytes32[](0);
        uint256 k = split(end - start);
        if (m < k) return append(inclusion(m, start, start + k), root(start + k, end));
        return append(inclusion(m - k, start + k, end), root(start, start + k));
    }

    function consistency(uint256 m, uint256 n) internal pure returns (bytes32[] memory) {
        return subproof(m, 0, n, true);
    }

    function subproof(uint256 m, uint256 start, uint256 end, bool whole) private pure returns (bytes32[] memory) {
        if (m == end - start) {
            bytes32[] memory none = new bytes32[](0);
            return whole ? none : append(none, root(start, end));
        }
        uint256 k = split(end - start);
        if (m <= k) return append(subproof(m, start, start + k, whole), root(start + k, end));
        return append(subproof(m - k, start + k, end, false), root(start, start + k));
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
