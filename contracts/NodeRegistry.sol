// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { Header } from "./interfaces/Header.sol";
import { IBlockAnchor } from "./interfaces/IBlockAnchor.sol";
import {
    AdmissionRules,
    Application,
    INodeRegistry,
    Node,
    NodeEntry,
    NodeStatus
} from "./interfaces/INodeRegistry.sol";
import { Attestations } from "./libraries/Attestations.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";
import { CompactSignatures } from "./libraries/CompactSignatures.sol";
import { Standing } from "./libraries/Standing.sol";

/// @title NodeRegistry
/// @notice See {INodeRegistry}. The committee is one blob of code, written anew at each change and read at one go.
/// @dev This contract must never create anything but these blobs: the address of the blob of epoch e is that of its e-th
/// creation, which is how every epoch's committee stays readable without a slot for it.
contract NodeRegistry is INodeRegistry, EIP712 {
    using Attestations for Application;
    using Attestations for NodeEntry;
    using CommitteeBlob for address;
    using CommitteeBlob for address[];
    using CommitteeBlob for bytes;
    using CompactSignatures for bytes;

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

    /// @dev What an application is checked by, in one slot: the manifest by the first 20 bytes of its hash.
    struct Gate {
        bytes20 manifest;
        uint8 attestations;
        uint24 reapplySeconds;
        uint32 minScore;
    }

    /// @inheritdoc INodeRegistry
    address public immutable deployer;

    /// @inheritdoc INodeRegistry
    address public governor;

    /// @inheritdoc INodeRegistry
    address public anchor;

    Committee private _committee;
    Gate private _gate;
    AdmissionRules private _rules;
    mapping(address account => Kept info) private _nodes;
    address[] private _accounts;

    modifier onlyGovernor() {
        if (msg.sender != governor) revert NotGovernor(msg.sender, governor);
        _;
    }

    constructor(NodeEntry[] memory genesis) EIP712("Notarium", "1") {
        deployer = msg.sender;
        address[] memory members = new address[](genesis.length);
        for (uint256 i = 0; i < genesis.length; ++i) {
            NodeEntry memory entry = genesis[i];
            if (entry.account == address(0)) revert AccountZero();
            Standing standing = _nodes[entry.account].standing;
            if (standing.status() != NodeStatus.None) revert DuplicateNode(entry.account);
            members[i] = entry.account;
            _enter(entry, standing.activated(1));
            emit NodeActivated(entry.account);
        }
        _setCommittee(members.pack());
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
        Standing standing = _nodes[entry.account].standing;
        NodeStatus status = standing.status();
        if (status != NodeStatus.None && status != NodeStatus.Removed) {
            revert TransitionRefused(entry.account, status, NodeStatus.Candidate);
        }
        _enter(entry, standing.withStatus(NodeStatus.Candidate));
    }

    /// @inheritdoc INodeRegistry
    function activate(address account) external onlyGovernor {
        Standing standing = _nodes[account].standing;
        if (standing.status() == NodeStatus.Candidate) {
            uint256 attestations = _gate.attestations;
            if (attestations != 0) revert AttestationRequired(account, attestations);
        } else if (standing.status() != NodeStatus.Suspended) {
            revert TransitionRefused(account, standing.status(), NodeStatus.Active);
        }
        _activate(account, standing);
    }

    /// @inheritdoc INodeRegistry
    function admit(address account, bytes20 application) external onlyGovernor {
        Kept storage info = _nodes[account];
        Standing standing = info.standing;
        if (standing.status() != NodeStatus.Candidate) {
            revert TransitionRefused(account, standing.status(), NodeStatus.Active);
        }
        if (application != standing.application() || application == 0) {
            revert ApplicationMismatch(account, application, standing.application());
        }
        Published memory published = info.published;
        if (published.application != application) revert ApplicationUnpublished(account, application);
        if (block.timestamp > published.expiry) revert AttestationExpired(block.timestamp, published.expiry);
        _activate(account, standing);
    }

    /// @inheritdoc INodeRegistry
    function suspend(address account) external onlyGovernor {
        _suspend(account);
    }

    /// @inheritdoc INodeRegistry
    function remove(address account) external onlyGovernor {
        Standing standing = _nodes[account].standing;
        NodeStatus status = standing.status();
        if (status == NodeStatus.None || status == NodeStatus.Removed || status == NodeStatus.Banned) {
            revert TransitionRefused(account, status, NodeStatus.Removed);
        }
        _dismiss(account, standing, NodeStatus.Removed);
        emit NodeRemoved(account);
    }

    /// @inheritdoc INodeRegistry
    function ban(address account) external onlyGovernor {
        if (account == address(0)) revert AccountZero();
        Standing standing = _nodes[account].standing;
        if (standing.status() == NodeStatus.Banned) {
            revert TransitionRefused(account, NodeStatus.Banned, NodeStatus.Banned);
        }
        _dismiss(account, standing, NodeStatus.Banned);
        emit NodeBanned(account);
    }

    /// @inheritdoc INodeRegistry
    function unban(address account) external onlyGovernor {
        Standing standing = _nodes[account].standing;
        if (standing.status() != NodeStatus.Banned) {
            revert TransitionRefused(account, standing.status(), NodeStatus.Removed);
        }
        _nodes[account].standing = standing.withStatus(NodeStatus.Removed);
        emit NodeUnbanned(account);
    }

    /// @inheritdoc INodeRegistry
    function rotate(address account, NodeEntry calldata entry) external onlyGovernor {
        if (entry.account == address(0)) revert AccountZero();
        Standing old = _nodes[account].standing;
        if (old.status() != NodeStatus.Active) revert TransitionRefused(account, old.status(), NodeStatus.Removed);
        Standing standing = _nodes[entry.account].standing;
        if (standing.status() != NodeStatus.None && standing.status() != NodeStatus.Removed) {
            revert TransitionRefused(entry.account, standing.status(), NodeStatus.Active);
        }
        standing = standing.activated(_committee.epoch + 1).withAuthenticator(old.isAuthenticator());
        _enter(entry, standing);
        _nodes[account].standing = old.cleared(NodeStatus.Removed);
        bytes memory members = _committee.pointer.load();
        _setCommittee(members.replaced(members.indexOf(account), entry.account));
        emit NodeRotated(account, entry.account);
        emit NodeActivated(entry.account);
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
        Kept storage info = _nodes[account];
        info.standing = info.standing.withAuthenticator(isAllowed);
        emit AuthenticatorSet(account, isAllowed);
    }

    /// @inheritdoc INodeRegistry
    function setAdmissionRules(AdmissionRules calldata rules) external onlyGovernor {
        if (rules.reapplySeconds == 0) revert ReapplyZero();
        _rules = rules;
        _gate = Gate({
            manifest: bytes20(rules.manifestHash),
            attestations: rules.attestations,
            reapplySeconds: rules.reapplySeconds,
            minScore: rules.minScore
        });
        emit AdmissionRulesSet(rules);
    }

    // ---------------------------------------------------------------- a candidate's act

    /// @inheritdoc INodeRegistry
    function applyFor(Application calldata application, bytes calldata signatures) external {
        // Sums of 40 and 24 bits.
        unchecked {
            Gate memory gate = _gate;
            if (gate.attestations == 0) revert ApplicationsClosed();
            uint256 expiry = application.expiry;
            if (block.timestamp > expiry) revert AttestationExpired(block.timestamp, expiry);
            if (bytes20(application.manifestHash) != gate.manifest) {
                revert ManifestMismatch(application.manifestHash, _rules.manifestHash);
            }
            uint256 score = application.score;
            if (score < gate.minScore) revert ScoreTooLow(score, gate.minScore);

            Kept storage info = _nodes[msg.sender];
            Standing standing = info.standing;
            NodeStatus status = standing.status();
            if (status != NodeStatus.None && status != NodeStatus.Candidate && status != NodeStatus.Removed) {
                revert TransitionRefused(msg.sender, status, NodeStatus.Candidate);
            }
            uint256 last = standing.appliedAt();
            uint256 nonce = application.nonce;
            if (nonce != last) revert NonceMismatch(nonce, last);
            if (last != 0 && block.timestamp < last + gate.reapplySeconds) {
                revert ApplicationEarly(block.timestamp, last + gate.reapplySeconds);
            }
            bytes32 structHash = application.hashOf(msg.sender);
            _checkAttesters(_hashTypedDataV4(structHash), gate.attestations, signatures);

            info.standing = standing.applied(block.timestamp, bytes20(structHash));
            emit Applied(msg.sender, bytes20(structHash));
        }
    }

    // ---------------------------------------------------------------- a node's own act

    /// @inheritdoc INodeRegistry
    function setEndpoint(string calldata endpoint) external {
        _requireKnown(msg.sender);
        Kept storage info = _nodes[msg.sender];
        _requireLength(endpoint, MAX_ENDPOINT_BYTES);
        info.endpoint = endpoint;
        emit NodeUpdated(msg.sender, info.name, endpoint, info.encryptionKey, info.noteKey);
    }

    // ---------------------------------------------------------------- anyone's acts

    /// @inheritdoc INodeRegistry
    function publish(NodeEntry calldata entry, Application calldata application) external {
        Kept storage info = _nodes[entry.account];
        Standing standing = info.standing;
        if (standing.status() != NodeStatus.Candidate) {
            revert TransitionRefused(entry.account, standing.status(), NodeStatus.Candidate);
        }
        bytes32 entryHash = entry.hashEntry();
        if (entryHash != application.entryHash) revert EntryMismatch(entryHash, application.entryHash);
        bytes20 name = bytes20(application.hashOf(entry.account));
        if (name != standing.application()) revert ApplicationMismatch(entry.account, name, standing.application());
        info.published = Published({ application: name, expiry: application.expiry, score: application.score });
        info.profileDigest = application.profileDigest;
        _enter(entry, standing);
        emit ApplicationPublished(
            entry.account,
            name,
            application.profileDigest,
            application.score,
            application.expiry
        );
    }

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
        uint64 since = _nodes[account].standing.activeSince();
        if (epoch < since) revert EvidenceStale(epoch, since);
        _suspend(account);
        emit EquivocationReported(account, first.slot, firstHash, secondHash, msg.sender);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc INodeRegistry
    function admissionRules() external view returns (AdmissionRules memory) {
        return _rules;
    }

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
    function hashApplication(
        address candidate,
        Application calldata application
    ) external view returns (bytes32 digest, bytes20 name) {
        bytes32 structHash = application.hashOf(candidate);
        return (_hashTypedDataV4(structHash), bytes20(structHash));
    }

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

    // ---------------------------------------------------------------- the committee

    /// @dev At the end, so that nobody else's place changes.
    function _activate(address account, Standing standing) private {
        _nodes[account].standing = standing.activated(_committee.epoch + 1);
        _setCommittee(_committee.pointer.load().joined(account));
        emit NodeActivated(account);
    }

    /// @dev Those behind move up; the order of the others stays.
    function _leave(address account) private {
        bytes memory members = _committee.pointer.load();
        if (members.count() == 1) revert LastActiveNode(account);
        _setCommittee(members.without(members.indexOf(account)));
    }

    /// @param members As they will stand in the blob.
    function _setCommittee(bytes memory members) private {
        uint256 size = members.count();
        if (size == 0) revert CommitteeEmpty();
        if (size > MAX_MEMBERS) revert CommitteeFull(size, MAX_MEMBERS);
        uint64 epoch = _committee.epoch + 1;
        address pointer = members.write();
        // The place is a promise to those who look a committee up by its epoch alone.
        address place = CommitteeBlob.addressOf(address(this), epoch);
        if (pointer != place) revert CommitteeMisplaced(pointer, place);
        _committee = Committee({ pointer: pointer, epoch: epoch, size: uint16(size) });
        emit CommitteeChanged(epoch, pointer, size);
    }

    // ---------------------------------------------------------------- helpers

    function _suspend(address account) private {
        Standing standing = _nodes[account].standing;
        if (standing.status() != NodeStatus.Active) {
            revert TransitionRefused(account, standing.status(), NodeStatus.Suspended);
        }
        _nodes[account].standing = standing.withStatus(NodeStatus.Suspended);
        _leave(account);
        emit NodeSuspended(account);
    }

    /// @dev Takes a node out for good; the caller has refused what is not allowed.
    function _dismiss(address account, Standing standing, NodeStatus status) private {
        _nodes[account].standing = standing.cleared(status);
        if (standing.status() == NodeStatus.Active) _leave(account);
    }

    /// @dev Keeps standing and information, and the account among those that can be paged through.
    function _enter(NodeEntry memory entry, Standing standing) private {
        if (!standing.isListed()) _accounts.push(entry.account);
        _nodes[entry.account].standing = standing.listed();
        _setInfo(entry);
        emit NodeEnrolled(entry.account, entry.name, entry.endpoint, entry.encryptionKey, entry.noteKey);
    }

    /// @dev One signature after the other, until all are checked; at least `want` of them.
    function _checkAttesters(bytes32 digest, uint256 want, bytes calldata signatures) private view {
        // Offsets within calldata.
        unchecked {
            if (signatures.length % 64 != 0) revert SignatureLength(signatures.length, want * 64);
            if (signatures.length < want * 64) revert AttestationsMissed(signatures.length / 64, want);
            address last = address(0);
            for (uint256 i = 0; i < signatures.length; i += 64) {
                (address attester, uint256 s) = signatures.signerAt(i, digest);
                if (s > CompactSignatures.HALF_ORDER) revert SignatureMalleable(bytes32(s));
                if (attester <= last) {
                    if (attester == address(0)) revert SignatureInvalid(digest);
                    revert AttesterOrder(attester, last);
                }
                if (!isAuthenticator(attester)) revert AttesterRefused(attester);
                last = attester;
            }
        }
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
        Kept storage info = _nodes[entry.account];
        info.name = entry.name;
        info.endpoint = entry.endpoint;
        info.encryptionKey = entry.encryptionKey;
        info.noteKey = entry.noteKey;
    }

    function _requireKnown(address account) private view {
        NodeStatus status = _nodes[account].standing.status();
        if (status == NodeStatus.None || status == NodeStatus.Removed || status == NodeStatus.Banned) {
            revert NodeUnknown(account);
        }
    }

    function _requireLength(string memory text, uint256 limit) private pure {
        if (bytes(text).length > limit) revert TextTooLong(bytes(text).length, limit);
    }
}
