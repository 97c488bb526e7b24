// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that behaves, until it is told to do something else.
contract TestToken is ERC20 {
    enum Mood {
        Honest,
        TakingFee,
        AnsweringFalse,
        AnsweringNothing,
        Reverting,
        Calling,
        Burning
    }

    Mood private mood;
    address private target;
    bytes private data;

    constructor() ERC20("Test", "TST") {
        _mint(msg.sender, 1e30);
    }

    function setMood(Mood mood_, address target_, bytes calldata data_) external {
        (mood, target, data) = (mood_, target_, data_);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return behave() && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (!behave()) return false;
        super.transferFrom(from, to, amount);
        if (mood == Mood.TakingFee) _transfer(to, address(this), amount / 100);
        return true;
    }

    /// @dev Whether to go on.
    function behave() private returns (bool) {
        if (mood == Mood.Reverting) revert("not today");
        if (mood == Mood.Calling) {
            // What comes of it must not matter.
            (bool success, ) = target.call(data);
            success;
        }
        if (mood == Mood.Burning) {
            for (uint256 i = 0; true; ++i) data.length == i;
        }
        return mood != Mood.AnsweringFalse;
    }
}

/// @notice A payee that is a contract, and does not like to be paid.
contract TestPayee {
    enum Mood {
        Taking,
        Reverting,
        Burning,
        Calling
    }

    Mood private mood;
    address private target;
    bytes private data;

    function setMood(Mood mood_, address target_, bytes calldata data_) external {
        (mood, target, data) = (mood_, target_, data_);
    }

    function act(address to, uint256 value, bytes calldata call_) external payable {
        (bool success, bytes memory answer) = to.call{ value: value }(call_);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }

    receive() external payable {
        if (mood == Mood.Reverting) revert("no, thank you");
        if (mood == Mood.Calling) {
            (bool success, ) = target.call(data);
            success;
        }
        if (mood == Mood.Burning) {
            for (uint256 i = 0; true; ++i) data.length == i;
        }
    }
}
