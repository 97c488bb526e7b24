// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IEvidenceChannels } from "../interfaces/IEvidenceChannels.sol";

/// @title Money in and out
/// @notice A payee that does not take its payout does not hold the other one up: it gets a credit instead.
abstract contract Payouts is IEvidenceChannels {
    /// @dev Of a payment that is pushed: enough for a wallet that is a contract, too little to make a settlement fail.
    uint256 private constant COIN_GAS = 50_000;
    uint256 private constant TOKEN_GAS = 250_000;

    mapping(address token => mapping(address account => uint256 amount)) private _credits;

    /// @inheritdoc IEvidenceChannels
    function creditOf(address token, address account) external view returns (uint256) {
        return _credits[token][account];
    }

    /// @dev The caller holds the lock against re-entry, or another payment could be counted as this one.
    function _receive(address token, uint256 amount) internal {
        if (token == address(0)) {
            if (msg.value != amount) revert ReceivedMismatch(msg.value, amount);
            return;
        }
        if (msg.value != 0) revert ReceivedMismatch(msg.value, 0);
        uint256 before = IERC20(token).balanceOf(address(this));
        bytes memory data = abi.encodeCall(IERC20.transferFrom, (msg.sender, address(this), amount));
        if (!_succeeds(token, data, gasleft())) revert TransferFailed(token, amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert ReceivedMismatch(received, amount);
    }

    function _pay(address token, address to, uint256 amount) internal {
        if (amount == 0 || _sent(token, to, amount, token == address(0) ? COIN_GAS : TOKEN_GAS)) return;
        _credits[token][to] += amount;
        emit Credited(token, to, amount);
    }

    function _withdraw(address token, address to) internal {
        uint256 amount = _credits[token][msg.sender];
        if (amount == 0) revert CreditEmpty(token, msg.sender);
        _credits[token][msg.sender] = 0;
        if (!_sent(token, to, amount, gasleft())) revert TransferFailed(token, amount);
        emit Withdrawn(token, msg.sender, to, amount);
    }

    function _sent(address token, address to, uint256 amount, uint256 gasLimit) private returns (bool success) {
        if (token != address(0)) return _succeeds(token, abi.encodeCall(IERC20.transfer, (to, amount)), gasLimit);
        // Nothing is copied of what it returns, however much that is.
        assembly ("memory-safe") {
            success := call(gasLimit, to, amount, 0, 0, 0, 0)
        }
    }

    /// @dev As SafeERC20 has it: nothing or true was returned, by a contract.
    function _succeeds(address token, bytes memory data, uint256 gasLimit) private returns (bool success) {
        assembly ("memory-safe") {
            mstore(0x00, 0)
            success := call(gasLimit, token, 0, add(data, 0x20), mload(data), 0x00, 0x20)
            success := and(
                success,
                or(and(iszero(returndatasize()), gt(extcodesize(token), 0)), and(gt(returndatasize(), 31), eq(mload(0x00), 1)))
            )
        }
    }
}
