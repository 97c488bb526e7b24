// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { Header } from "./interfaces/Header.sol";
import { IBlockAnchor } from "./interfaces/IBlockAnchor.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { NodeEntry, NodeStatus } from "./interfaces/Node.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";
import { Standing } from "./libraries/Standing.sol";
import { Admissions } from "./registry/Admissions.sol";

/// @title NodeRegistry
/// @notice See {INodeRegistry}. Who comes in is in Admissions, what is kept in Nodes and Committees; here are the acts of the
/// governor on nodes that are there, and the report of equivocation.
contract NodeRegistry is Admissions {
    using CommitteeBlob for address[];

    constructor(NodeEntry[] memory genesis) EIP712("Notarium", "1") {
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
            // Who has applied under other rules, and not published: nobody would know of a member where it is reached.
            if (!standing.isListed()) revert ApplicationUnpublished(account, standing.application());
        } else if (standing.status() != NodeStatus.Suspended) {
            revert TransitionRefused(account, standing.status(), NodeStatus.Active);
        }
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
        standing = standing.activated(_nextEpoch()).withAuthenticator(old.isAuthenticator());
        _enter(entry, standing);
        _nodes[account].standing = old.cleared(NodeStatus.Removed);
        _replace(account, entry.account);
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
        uint64 since = _nodes[account].standing.activeSince();
        if (epoch < since) revert EvidenceStale(epoch, since);
        _suspend(account);
        emit EquivocationReported(account, first.slot, firstHash, secondHash, msg.sender);
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
}
