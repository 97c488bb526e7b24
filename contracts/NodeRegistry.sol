// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { Header } from "./interfaces/Header.sol";
import { IBlockAnchor } from "./interfaces/IBlockAnchor.sol";
import { INodeRegistry, Node, NodeEntry, NodeStatus } from "./interfaces/INodeRegistry.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";

/// @title NodeRegistry
/// @notice See {INodeRegistry}. The committee is one blob of code, written anew at each change and read at one go.
/// @dev This contract must never create anything but these blobs: the address of the blob of epoch e is that of its e-th
/// creation, which is how every epoch's committee stays readable without a slot for it.
contract NodeRegistry is INodeRegistry {
    using CommitteeBlob for address;

    uint256 private constant MAX_MEMBERS = 256;
    uint256 private constant MAX_NAME_BYTES = 64;
    uint256 private constant MAX_ENDPOINT_BYTES = 256;

    /// @dev One slot, so that an anchor reads all it needs at once:
    ///
    ///     255      240 239       224 223        160 159               0
    ///     |  unused   |    size     |    epoch     |      pointer      |
    struct Committee {
        address pointer;
        uint64 epoch;
        uint16 size;
    }

    /// @inheritdoc INodeRegistry
    address public immutable deployer;

    /// @inheritdoc INodeRegistry
    address public governor;

    /// @inheritdoc INodeRegistry
    address public anchor;

    Committee private _committee;
    mapping(address account => Node info) private _nodes;
    address[] private _accounts;
    mapping(address account => bool isAllowed) private _authenticators;

    modifier onlyGovernor() {
        if (msg.sender != governor) revert NotGovernor(msg.sender, governor);
        _;
    }

    constructor(NodeEntry[] memory genesis) {
        deployer = msg.sender;
        address[] memory members = new address[](genesis.length);
        for (uint256 i = 0; i < genesis.length; ++i) {
            NodeEntry memory entry = genesis[i];
            if (entry.account == address(0)) revert AccountZero();
            if (_nodes[entry.account].status != NodeStatus.None) revert DuplicateNode(entry.account);
            members[i] = entry.account;
            _accounts.push(entry.account);
            _nodes[entry.account].status = NodeStatus.Active;
            _nodes[entry.account].activeSince = 1;
            _setInfo(entry);
            emit NodeEnrolled(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey);
            emit NodeActivated(entry.account);
        }
        _setCommittee(members);
    }

    // ---------------------------------------------------------------- the deployer's acts

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

    // ---------------------------------------------------------------- the governor's acts

    /// @inheritdoc INodeRegistry
    function enroll(NodeEntry calldata entry) external onlyGovernor {
        if (entry.account == address(0)) revert AccountZero();
        Node storage info = _nodes[entry.account];
        NodeStatus status = info.status;
        if (status != NodeStatus.None && status != NodeStatus.Removed) {
            revert TransitionRefused(entry.account, status, NodeStatus.Candidate);
        }
        if (status == NodeStatus.None) _accounts.push(entry.account);
        info.status = NodeStatus.Candidate;
        _setInfo(entry);
        emit NodeEnrolled(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey);
    }

    /// @inheritdoc INodeRegistry
    function activate(address account) external onlyGovernor {
        Node storage info = _nodes[account];
        NodeStatus status = info.status;
        if (status != NodeStatus.Candidate && status != NodeStatus.Suspended) {
            revert TransitionRefused(account, status, NodeStatus.Active);
        }
        info.status = NodeStatus.Active;
        // The epoch that begins with its joining.
        info.activeSince = _committee.epoch + 1;
        _join(account);
        emit NodeActivated(account);
    }

    /// @inheritdoc INodeRegistry
    function suspend(address account) external onlyGovernor {
        _suspend(account);
    }

    /// @inheritdoc INodeRegistry
    function remove(address account) external onlyGovernor {
        NodeStatus status = _nodes[account].status;
        if (status == NodeStatus.None || status == NodeStatus.Removed) {
            revert TransitionRefused(account, status, NodeStatus.Removed);
        }
        _nodes[account].status = NodeStatus.Removed;
        delete _authenticators[account];
        if (status == NodeStatus.Active) _leave(account);
        emit NodeRemoved(account);
    }

    /// @inheritdoc INodeRegistry
    function update(NodeEntry calldata entry) external onlyGovernor {
        _requireKnown(entry.account);
        _setInfo(entry);
        emit NodeUpdated(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey);
    }

    /// @inheritdoc INodeRegistry
    function setAuthenticator(address account, bool isAllowed) external onlyGovernor {
        if (isAllowed) _requireKnown(account);
        _authenticators[account] = isAllowed;
        emit AuthenticatorSet(account, isAllowed);
    }

    // ---------------------------------------------------------------- a node's own act

    /// @inheritdoc INodeRegistry
    function setEndpoint(string calldata endpoint) external {
        _requireKnown(msg.sender);
        Node storage info = _nodes[msg.sender];
        _requireLength(endpoint, MAX_ENDPOINT_BYTES);
        info.endpoint = endpoint;
        emit NodeUpdated(msg.sender, info.name, endpoint, info.encryptionKey, info.noteKey);
    }

    // ---------------------------------------------------------------- anyone's act

    /// @inheritdoc INodeRegistry
    function reportEquivocation(
        Header calldata first,
        bytes calldata firstSignature,
        Header calldata second,
        bytes calldata secondSignature
    ) external {
        if (anchor == address(0)) revert AnchorUnset();
        if (second.slot != first.slot) revert SlotMismatch(second.slot, first.slot);
        // Asked of the anchor, so that there is one definition of what is signed.
        bytes32 firstHash = IBlockAnchor(anchor).hashBlock(first);
        bytes32 secondHash = IBlockAnchor(anchor).hashBlock(second);
        if (firstHash == secondHash) revert SameBlock(firstHash);
        address account = _signerOf(firstHash, firstSignature);
        address other = _signerOf(secondHash, secondSignature);
        if (other != account) revert SignerMismatch(other, account);

        // The later epoch counts: a node that signs twice must not get off by naming a past epoch in one of the two.
        uint64 epoch = first.epoch > second.epoch ? first.epoch : second.epoch;
        uint64 since = _nodes[account].activeSince;
        if (epoch < since) revert EvidenceStale(epoch, since);
        _suspend(account);
        emit EquivocationReported(account, first.slot, firstHash, secondHash, msg.sender);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc INodeRegistry
    function committee() external view returns (uint64 epoch, address[] memory members) {
        return (_committee.epoch, _committee.pointer.read());
    }

    /// @inheritdoc INodeRegistry
    function committeeAt(uint64 epoch) external view returns (address[] memory members) {
        if (epoch == 0 || epoch > _committee.epoch) revert EpochUnknown(epoch, _committee.epoch);
        return CommitteeBlob.addressOf(address(this), epoch).read();
    }

    /// @inheritdoc INodeRegistry
    function committeePointer() external view returns (uint64 epoch, address pointer) {
        Committee memory current = _committee;
        return (current.epoch, current.pointer);
    }

    /// @inheritdoc INodeRegistry
    function getValidators() external view returns (address[] memory validators) {
        return _committee.pointer.read();
    }

    /// @inheritdoc INodeRegistry
    function isActive(address account) external view returns (bool) {
        return _nodes[account].status == NodeStatus.Active;
    }

    /// @inheritdoc INodeRegistry
    function isAuthenticator(address account) external view returns (bool) {
        return _authenticators[account] && _nodes[account].status == NodeStatus.Active;
    }

    /// @inheritdoc INodeRegistry
    function node(address account) external view returns (Node memory) {
        return _nodes[account];
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
            infos[i] = _nodes[accounts[i]];
        }
    }

    // ---------------------------------------------------------------- the committee

    /// @dev At the end, so that nobody else's place changes.
    function _join(address account) private {
        address[] memory members = _committee.pointer.read();
        address[] memory grown = new address[](members.length + 1);
        for (uint256 i = 0; i < members.length; ++i) grown[i] = members[i];
        grown[members.length] = account;
        _setCommittee(grown);
    }

    /// @dev Those behind move up; the order of the others stays.
    function _leave(address account) private {
        address[] memory members = _committee.pointer.read();
        if (members.length == 1) revert LastActiveNode(account);
        address[] memory shrunk = new address[](members.length - 1);
        uint256 kept = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] != account) shrunk[kept++] = members[i];
        }
        _setCommittee(shrunk);
    }

    function _setCommittee(address[] memory members) private {
        uint256 size = members.length;
        if (size == 0) revert CommitteeEmpty();
        if (size > MAX_MEMBERS) revert CommitteeFull(size, MAX_MEMBERS);
        uint64 epoch = _committee.epoch + 1;
        address pointer = CommitteeBlob.write(members);
        // The place is a promise to those who look a committee up by its epoch alone.
        address place = CommitteeBlob.addressOf(address(this), epoch);
        if (pointer != place) revert CommitteeMisplaced(pointer, place);
        _committee = Committee({ pointer: pointer, epoch: epoch, size: uint16(size) });
        emit CommitteeChanged(epoch, pointer, size);
    }

    // ---------------------------------------------------------------- helpers

    function _suspend(address account) private {
        NodeStatus status = _nodes[account].status;
        if (status != NodeStatus.Active) revert TransitionRefused(account, status, NodeStatus.Suspended);
        _nodes[account].status = NodeStatus.Suspended;
        _leave(account);
        emit NodeSuspended(account);
    }

    function _signerOf(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        ECDSA.RecoverError problem;
        bytes32 detail;
        if (signature.length == 64) {
            (signer, problem, detail) = ECDSA.tryRecover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        } else {
            (signer, problem, detail) = ECDSA.tryRecoverCalldata(digest, signature);
        }
        if (problem == ECDSA.RecoverError.InvalidSignatureLength) revert SignatureLength(signature.length, 65);
        if (problem == ECDSA.RecoverError.InvalidSignatureS) revert SignatureMalleable(detail);
        if (signer == address(0)) revert SignatureInvalid(digest);
    }

    function _setInfo(NodeEntry memory entry) private {
        _requireLength(entry.name, MAX_NAME_BYTES);
        _requireLength(entry.endpoint, MAX_ENDPOINT_BYTES);
        Node storage info = _nodes[entry.account];
        info.name = entry.name;
        info.endpoint = entry.endpoint;
        info.encryptionKey = entry.encryptionKey;
        info.noteKey = entry.noteKey;
    }

    function _requireKnown(address account) private view {
        NodeStatus status = _nodes[account].status;
        if (status == NodeStatus.None || status == NodeStatus.Removed) revert NodeUnknown(account);
    }

    function _requireLength(string memory text, uint256 limit) private pure {
        if (bytes(text).length > limit) revert TextTooLong(bytes(text).length, limit);
    }
}
