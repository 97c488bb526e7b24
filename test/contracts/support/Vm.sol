// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The few cheat codes that these tests need, at the address where Hardhat's test runner answers them.
interface Vm {
    function addr(uint256 privateKey) external pure returns (address);

    function deal(address account, uint256 balance) external;

    function etch(address account, bytes calldata code) external;

    function expectRevert(bytes calldata data) external;

    function getCode(string calldata artifact) external view returns (bytes memory);

    function prank(address sender) external;

    function signCompact(uint256 privateKey, bytes32 digest) external pure returns (bytes32 r, bytes32 vs);

    function warp(uint256 timestamp) external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
