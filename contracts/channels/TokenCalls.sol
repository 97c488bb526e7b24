// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Calls of tokens that may be anything
/// @notice As OpenZeppelin's SafeERC20 judges them (nothing or true was returned, by a contract), with a limit of gas, and without a
/// revert: the caller decides what a failure means. Of what is returned at most a word is copied, however much it is.
library TokenCalls {
    /// @notice What this contract has of the token; `success` is false where nobody answers.
    function balanceHere(address token) internal view returns (bool success, uint256 amount) {
        bytes4 selector = IERC20.balanceOf.selector;
        assembly ("memory-safe") {
            // Scratch: 4 + 32 bytes.
            mstore(0x00, selector)
            mstore(0x04, address())
            success := staticcall(gas(), token, 0x00, 0x24, 0x00, 0x20)
            success := and(success, gt(returndatasize(), 31))
            amount := mul(success, mload(0x00))
        }
    }

    function transfer(address token, address to, uint256 amount, uint256 gasLimit) internal returns (bool) {
        return _call(token, IERC20.transfer.selector, [uint256(uint160(to)), amount, 0], 0x44, gasLimit);
    }

    /// @notice From the sender to this contract, with all gas.
    function takeIn(address token, uint256 amount) internal returns (bool) {
        uint256[3] memory words = [uint256(uint160(msg.sender)), uint256(uint160(address(this))), amount];
        return _call(token, IERC20.transferFrom.selector, words, 0x64, gasleft());
    }

    /// @param length Of the call: 4 bytes, and a word for each argument.
    function _call(
        address token,
        bytes4 selector,
        uint256[3] memory words,
        uint256 length,
        uint256 gasLimit
    ) private returns (bool success) {
        assembly ("memory-safe") {
            // Behind the free memory pointer: nothing is allocated.
            let input := mload(0x40)
            mstore(input, selector)
            mcopy(add(input, 4), words, 0x60)
            success := call(gasLimit, token, 0, input, length, 0x00, 0x20)
            switch returndatasize()
            case 0 {
                // A call of an address without a contract succeeds, and moves nothing.
                success := and(success, iszero(iszero(extcodesize(token))))
            }
            default {
                // Less than a word leaves something of before in it.
                success := and(success, and(gt(returndatasize(), 31), eq(mload(0x00), 1)))
            }
        }
    }
}
