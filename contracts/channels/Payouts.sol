// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IEvidenceChannels } from "../interfaces/IEvidenceChannels.sol";
import { TokenCalls } from "./TokenCalls.sol";

/// @title Money in and out
/// @notice A payee that does not take its payout does not hold the other one up: it gets a credit instead.
/// @dev Money goes out after everything is written down, so nothing is gained by coming back in. Tokens that come in are counted by
/// the balance before and after: only there is a second payment in between kept out.
abstract contract Payouts is IEvidenceChannels, ReentrancyGuardTransient {
    using TokenCalls for address;

    /// @dev Of a payment that is pushed: enough for a wallet that is a contract, too little to make a settlement fail.
    uint256 private constant COIN_GAS = 50_000;
    uint256 private constant TOKEN_GAS = 250_000;
    /// @dev What the call itself takes before the payee has its gas: a cold account, a value, an account that is not there yet.
    uint256 private constant CALL_GAS = 40_000;

    mapping(address token => mapping(address account => uint256 amount)) private _credits;

    /// @inheritdoc IEvidenceChannels
    function withdraw(address token, address to) external {
        uint256 amount = _credits[token][msg.sender];
        if (amount == 0) revert CreditEmpty(token, msg.sender);
        _credits[token][msg.sender] = 0;
        if (!_sent(token, to, amount, gasleft())) revert TransferFailed(token, amount);
        emit Withdrawn(token, msg.sender, to, amount);
    }

    /// @inheritdoc IEvidenceChannels
    function creditOf(address token, address account) external view returns (uint256) {
        return _credits[token][account];
    }

    function _receive(address token, uint256 amount) internal {
        uint256 coins = token == address(0) ? amount : 0;
        if (msg.value != coins) revert ReceivedMismatch(msg.value, coins);
        if (token != address(0)) _receiveToken(token, amount);
    }

    function _pay(address token, address to, uint256 amount) internal {
        if (amount == 0) return;
        uint256 gasLimit = token == address(0) ? COIN_GAS : TOKEN_GAS;
        // A call gets at most 63 of 64 parts of what is left. Whoever settles must not choose so little that a payee fails which
        // would have taken its payout, and may not be able to withdraw it.
        uint256 want = gasLimit + gasLimit / 63 + CALL_GAS;
        if (gasleft() < want) revert GasMissing(gasleft(), want);
        if (_sent(token, to, amount, gasLimit)) return;
        _credits[token][to] += amount;
        emit Credited(token, to, amount);
    }

    function _receiveToken(address token, uint256 amount) private nonReentrant {
        (bool answers, uint256 before) = token.balanceHere();
        if (!answers || !token.takeIn(amount)) revert TransferFailed(token, amount);
        (, uint256 afterwards) = token.balanceHere();
        uint256 received = afterwards > before ? afterwards - before : 0;
        if (received != amount) revert ReceivedMismatch(received, amount);
    }

    function _sent(address token, address to, uint256 amount, uint256 gasLimit) private returns (bool success) {
        if (token != address(0)) return token.transfer(to, amount, gasLimit);
        // Nothing is copied of what it returns, however much that is.
        assembly ("memory-safe") {
            success := call(gasLimit, to, amount, 0, 0, 0, 0)
        }
    }
}
