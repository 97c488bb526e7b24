// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBlockAnchor } from "../interfaces/IBlockAnchor.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";

/// @title Governed
/// @notice The part of {INodeRegistry} that says who governs and whose blocks the nodes sign: both set by the deployer, once.
abstract contract Governed is INodeRegistry {
    /// @inheritdoc INodeRegistry
    address public immutable deployer;

    /// @inheritdoc INodeRegistry
    address public governor;

    /// @inheritdoc INodeRegistry
    address public anchor;

    modifier onlyGovernor() {
        if (msg.sender != governor) revert NotGovernor(msg.sender, governor);
        _;
    }

    constructor() {
        deployer = msg.sender;
    }

    /// @inheritdoc INodeRegistry
    function setAnchor(address newAnchor) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender, deployer);
        if (anchor != address(0)) revert AnchorAlreadySet(anchor, newAnchor);
        if (newAnchor.code.length == 0) revert AnchorMissing(newAnchor);
        // Another network's anchor would give hashes that no member of this committee ever signed.
        address registry = address(IBlockAnchor(newAnchor).registry());
        if (registry != address(this)) revert AnchorForeign(registry, address(this));
        anchor = newAnchor;
        emit AnchorSet(newAnchor);
    }

    /// @inheritdoc INodeRegistry
    function setGovernor(address newGovernor) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender, deployer);
        if (governor != address(0)) revert GovernorAlreadySet(governor, newGovernor);
        if (newGovernor == address(0)) revert AccountZero();
        governor = newGovernor;
        emit GovernorSet(newGovernor);
    }
}
