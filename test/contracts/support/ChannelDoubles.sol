// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token as most are.
contract PlainToken is ERC20 {
    constructor() ERC20("Plain", "PLN") {
        _mint(msg.sender, 1e30);
    }
}

/// @notice A token that behaves, until it is told to do something else.
contract TestToken is ERC20 {
    enum Mood {
        Honest,
        TakingFee,
        AnsweringFalse,
        AnsweringNothing,
        AnsweringMuch,
        Lying,
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
        return behave() && super.transfer(to, amount) && answer();
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (!behave()) return false;
        super.transferFrom(from, to, amount);
        if (mood == Mood.TakingFee) _transfer(to, address(this), amount / 100);
        return answer();
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
        if (mood == Mood.Lying) {
            assembly ("memory-safe") {
                mstore(0x00, 1)
                return(0x00, 0x20)
            }
        }
        return mood != Mood.AnsweringFalse;
    }

    function answer() private view returns (bool) {
        if (mood == Mood.AnsweringNothing) {
            assembly ("memory-safe") {
                return(0x00, 0x00)
            }
        }
        if (mood == Mood.AnsweringMuch) {
            assembly {
                mstore(0x00, 1)
                return(0x00, 0x8000)
            }
        }
        return true;
    }
}

/// @notice A payee that is a contract, and does not like to be paid.
contract TestPayee {
    enum Mood {
        Taking,
        Reverting,
        RevertingMuch,
        Burning,
        Calling
    }

    Mood private mood;
    address private target;
    bytes private data;
    /// What the last call of `Calling` came to.
    bool public wasAnswered;

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
        if (mood == Mood.RevertingMuch) {
            // As much as its gas can pay for: whoever copied it would pay again.
            assembly {
                revert(0x00, 0x20000)
            }
        }
        if (mood == Mood.Calling) (wasAnswered, ) = target.call(data);
        if (mood == Mood.Burning) {
            for (uint256 i = 0; true; ++i) data.length == i;
        }
    }
}
