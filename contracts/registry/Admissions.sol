// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { AdmissionRules, Application } from "../interfaces/Admission.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { NodeEntry, NodeStatus } from "../interfaces/Node.sol";
import { Attestations } from "../libraries/Attestations.sol";
import { CompactSignatures } from "../libraries/CompactSignatures.sol";
import { Standing } from "../libraries/Standing.sol";
import { Committees } from "./Committees.sol";
import { Governed } from "./Governed.sol";
import { Nodes } from "./Nodes.sol";

/// @title Admissions
/// @notice The part of {INodeRegistry} by which candidates become members: rules, application, publication, admission.
abstract contract Admissions is Governed, Nodes, Committees, EIP712 {
    using Attestations for Application;
    using Attestations for NodeEntry;
    using CompactSignatures for bytes;

    /// @dev What an application is checked by, in one slot: the manifest by the first 20 bytes of its hash.
    struct Gate {
        bytes20 manifest;
        uint8 attestations;
        uint24 reapplySeconds;
        uint32 minScore;
    }

    Gate internal _gate;
    AdmissionRules private _rules;

    // ---------------------------------------------------------------- the governor's acts

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

    // ---------------------------------------------------------------- anyone's act

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

    // ---------------------------------------------------------------- views

    /// @inheritdoc INodeRegistry
    function admissionRules() external view returns (AdmissionRules memory) {
        return _rules;
    }

    /// @inheritdoc INodeRegistry
    function hashApplication(
        address candidate,
        Application calldata application
    ) external view returns (bytes32 digest, bytes20 name) {
        bytes32 structHash = application.hashOf(candidate);
        return (_hashTypedDataV4(structHash), bytes20(structHash));
    }

    // ---------------------------------------------------------------- helpers

    function _activate(address account, Standing standing) internal {
        _nodes[account].standing = standing.activated(_nextEpoch());
        _join(account);
        emit NodeActivated(account);
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
}
