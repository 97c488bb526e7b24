// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { Node, NodeEntry, NodeStatus } from "../interfaces/Node.sol";
import { Standing } from "../libraries/Standing.sol";

/// @title Nodes
/// @notice The part of {INodeRegistry} that keeps what is known about each node.
abstract contract Nodes is INodeRegistry {
    uint256 private constant MAX_NAME_BYTES = 64;
    uint256 private constant MAX_ENDPOINT_BYTES = 256;

    /// @dev One slot, which admission has to read besides.
    struct Published {
        bytes20 application;
        uint48 expiry;
        uint32 score;
    }

    struct Kept {
        Standing standing;
        Published published;
        string name;
        string endpoint;
        bytes32 encryptionKey;
        bytes32 noteKey;
        bytes32 profileDigest;
    }

    mapping(address account => Kept info) internal _nodes;
    address[] private _accounts;

    // ---------------------------------------------------------------- a node's own act

    /// @inheritdoc INodeRegistry
    function setEndpoint(string calldata endpoint) external {
        _requireKnown(msg.sender);
        Kept storage info = _nodes[msg.sender];
        _requireLength(endpoint, MAX_ENDPOINT_BYTES);
        info.endpoint = endpoint;
        emit NodeUpdated(msg.sender, info.name, endpoint, info.encryptionKey, info.noteKey);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc INodeRegistry
    function isActive(address account) external view returns (bool) {
        return _nodes[account].standing.status() == NodeStatus.Active;
    }

    /// @inheritdoc INodeRegistry
    function isAuthenticator(address account) public view returns (bool) {
        return _nodes[account].standing.mayAttest();
    }

    /// @inheritdoc INodeRegistry
    function node(address account) public view returns (Node memory) {
        Kept storage info = _nodes[account];
        Standing standing = info.standing;
        Published memory published = info.published;
        return
            Node({
                status: standing.status(),
                isAuthenticator: standing.isAuthenticator(),
                activeSince: standing.activeSince(),
                appliedAt: standing.appliedAt(),
                application: standing.application(),
                published: published.application,
                expiry: published.expiry,
                score: published.score,
                profileDigest: info.profileDigest,
                name: info.name,
                endpoint: info.endpoint,
                encryptionKey: info.encryptionKey,
                noteKey: info.noteKey
            });
    }

    /// @inheritdoc INodeRegistry
    function nodeCount() external view returns (uint256) {
        return _accounts.length;
    }

    /// @inheritdoc INodeRegistry
    function nodes(
        uint256 offset,
        uint256 limit
    ) external view returns (address[] memory accounts, Node[] memory infos) {
        uint256 total = _accounts.length;
        uint256 size = offset < total ? total - offset : 0;
        if (size > limit) size = limit;
        accounts = new address[](size);
        infos = new Node[](size);
        for (uint256 i = 0; i < size; ++i) {
            accounts[i] = _accounts[offset + i];
            infos[i] = node(accounts[i]);
        }
    }

    // ---------------------------------------------------------------- keeping

    /// @dev Keeps standing and information, and the account among those that can be paged through.
    function _enter(NodeEntry memory entry, Standing standing) internal {
        if (!standing.isListed()) _accounts.push(entry.account);
        _nodes[entry.account].standing = standing.listed();
        _setInfo(entry);
        emit NodeEnrolled(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey);
    }

    function _setInfo(NodeEntry memory entry) internal {
        _requireLength(entry.name, MAX_NAME_BYTES);
        _requireLength(entry.endpoint, MAX_ENDPOINT_BYTES);
        Kept storage info = _nodes[entry.account];
        info.name = entry.name;
        info.endpoint = entry.endpoint;
        info.encryptionKey = entry.encryptionKey;
        info.noteKey = entry.noteKey;
    }

    function _requireKnown(address account) internal view {
        NodeStatus status = _nodes[account].standing.status();
        if (status == NodeStatus.None || status == NodeStatus.Removed || status == NodeStatus.Banned) {
            revert NodeUnknown(account);
        }
    }

    function _requireLength(string memory text, uint256 limit) private pure {
        if (bytes(text).length > limit) revert TextTooLong(bytes(text).length, limit);
    }
}
