// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";

/// @notice A member's wallet: takes what its owner signed, until it is told to do something else.
contract TestWallet is IERC1271 {
    enum Mood {
        Honest,
        Refusing,
        Reverting,
        Calling,
        Lying,
        Burning,
        Choosy
    }

    address private immutable owner;
    Mood private mood;
    address private target;
    bytes private data;

    constructor(address owner_) {
        owner = owner_;
    }

    function setMood(Mood mood_, address target_, bytes calldata data_) external {
        (mood, target, data) = (mood_, target_, data_);
    }

    /// @dev Of a member that is a contract: its own transactions.
    function act(address to, bytes calldata call) external {
        (bool success, bytes memory answer) = to.call(call);
        if (!success) bounce(answer);
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mood == Mood.Reverting) revert("not today");
        if (mood == Mood.Refusing) return 0xffffffff;
        // What changes anything cannot be done from here: the attempt fails, and so does the wallet.
        if (mood == Mood.Calling) {
            (bool success, bytes memory answer) = target.staticcall(data);
            if (!success) bounce(answer);
        }
        // Takes it where it is only asked, when nobody pays for gas.
        if (mood == Mood.Lying && tx.gasprice != 0) return 0xffffffff;
        if (mood == Mood.Burning) burn();
        if (mood == Mood.Choosy && msg.sender != target) return 0xffffffff;
        // What stands behind the owner's signature is for the wallet alone, as with wallets of several owners.
        (address signer, , ) = ECDSA.tryRecoverCalldata(digest, signature.length > 65 ? signature[:65] : signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function burn() private view {
        uint256 left = gasleft();
        while (left - gasleft() < 3_000_000) {}
    }

    function bounce(bytes memory answer) private pure {
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice Instead of the resource registry: tries to call back when a passed proposal calls it.
contract CallingBackRegistry {
    address[] private targets;
    bytes[] private attempts;
    bytes[] public answers;
    uint256 public seen;

    // solhint-disable-next-line no-empty-blocks
    constructor(INodeRegistry) {}

    // solhint-disable-next-line no-empty-blocks
    function setGovernor(address) external {}

    function prepare(address to, bytes calldata attempt) external {
        targets.push(to);
        attempts.push(attempt);
    }

    function head(bytes32) external pure returns (uint64) {
        return 0;
    }

    function answered() external view returns (uint256) {
        return answers.length;
    }

    /// @dev Keeps the answers: empty where the call went through.
    function addVersion(bytes32, uint64, bytes32, string calldata) external returns (uint64) {
        for (uint256 i = 0; i < attempts.length; ++i) {
            (bool success, bytes memory answer) = targets[i].call(attempts[i]);
            answers.push(success ? bytes("") : answer);
        }
        (, bytes memory id) = msg.sender.staticcall(abi.encodeWithSignature("executing()"));
        seen = abi.decode(id, (uint256));
        return 0;
    }
}
