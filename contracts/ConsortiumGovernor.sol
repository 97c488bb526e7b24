// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ERC165, IERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import { BallotBox } from "./governor/BallotBox.sol";
import { GovernorFacade } from "./governor/GovernorFacade.sol";
import { AdmissionRules } from "./interfaces/Admission.sol";
import {
    Aggregation,
    Draft,
    IConsortiumGovernor,
    Kind,
    Rule,
    SignedVote,
    Weight
} from "./interfaces/IConsortiumGovernor.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { IResourceRegistry } from "./interfaces/IResourceRegistry.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";
import { MemberSignatures } from "./libraries/MemberSignatures.sol";
import { ProposalCore, ProposalCores, Status } from "./libraries/ProposalCore.sol";
import { ProposalEncoding } from "./libraries/ProposalEncoding.sol";
import { ProposalText } from "./libraries/ProposalText.sol";
import { WeightsBlob } from "./libraries/WeightsBlob.sol";

/// @title ConsortiumGovernor
/// @notice See {IConsortiumGovernor}. Proposing makes one slot; see BallotBox for the votes, and
/// GovernorFacade for what every governor is asked.
contract ConsortiumGovernor is BallotBox, GovernorFacade, ERC165 {
    using CommitteeBlob for address;
    using CommitteeBlob for bytes;
    using MemberSignatures for address;
    using ProposalEncoding for bytes;
    using WeightsBlob for bytes;

    bytes32 private constant PROPOSAL_TYPEHASH = keccak256(
        "Proposal(uint256 proposalId,uint8 kind,bytes32 contentHash,uint48 validUntil)"
    );

    uint256 private constant KINDS = 7;
    uint256 private constant MAX_CALLS = 8;
    uint256 private constant MAX_WEIGHTS = 256;

    /// @inheritdoc IConsortiumGovernor
    IResourceRegistry public immutable resources;

    /// @inheritdoc IConsortiumGovernor
    uint256 public transient executing;

    Rule[KINDS] private _rules;
    uint16 private _weightsVersion;

    /// @dev Only the calls of a proposal: they were checked when it was proposed.
    modifier onlyGovernance() {
        if (msg.sender != address(this)) revert GovernorOnlyExecutor(msg.sender);
        _;
    }

    /// @param rules One for each kind, in the order of {Kind}.
    constructor(
        INodeRegistry registry_,
        IResourceRegistry resources_,
        Rule[KINDS] memory rules
    ) BallotBox(registry_) EIP712("Notarium", "1") {
        if (address(resources_).code.length == 0) revert RegistryMissing(address(resources_));
        resources = resources_;
        for (uint256 i = 0; i < KINDS; ++i) _setRule(Kind(i), rules[i]);
    }

    // ---------------------------------------------------------------- proposing

    /// @inheritdoc IConsortiumGovernor
    function propose(
        Draft calldata draft,
        uint64 epoch,
        uint8 proposer,
        bytes calldata signature
    ) external returns (uint256 proposalId) {
        // Read once each: the compiler checks such a value whenever it is read.
        uint48 validUntil = draft.validUntil;
        Kind kind = draft.kind;
        bytes[] calldata calls = draft.calls;
        if (block.timestamp > validUntil) revert DraftExpired(block.timestamp, validUntil);
        bytes memory members = _currentMembers(epoch);
        if (proposer >= members.count()) revert PlaceUnknown(proposer, members.count());
        address account = members.memberAt(proposer);
        _checkCalls(kind, calls);
        string memory description = ProposalText.describe(kind, draft.contentHash, account);
        bytes memory encoded = ProposalEncoding.encode(_targetOf(kind), calls);
        proposalId = encoded.idOf(description);
        bytes32 digest = _digestOf(proposalId, kind, draft.contentHash, validUntil);
        if (!account.isSignedBy(digest, signature)) revert GovernorInvalidSignature(account);

        Proposal storage kept = _proposals[proposalId];
        ProposalCore core = kept.core;
        if (core.status() != Status.None) {
            revert GovernorUnexpectedProposalState(proposalId, _stateOf(core), bytes32(0));
        }
        core = _open(kind, epoch, proposer, members);
        kept.core = core;
        ProposalEncoding.emitCreated(proposalId, account, encoded, core.voteStart(), core.voteEnd(), description);
        emit ProposalSigned(proposalId, validUntil, signature);
    }

    // ---------------------------------------------------------------- what comes of it

    /// @inheritdoc IGovernor
    function cancel(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calldatas,
        bytes32 descriptionHash
    ) external returns (uint256 proposalId) {
        proposalId = hashProposal(targets, values, calldatas, descriptionHash);
        ProposalCore core = _known(proposalId);
        _requireState(proposalId, core, ProposalState.Pending);
        if (msg.sender != proposalProposer(proposalId)) revert GovernorUnableToCancel(proposalId, msg.sender);
        _proposals[proposalId].core = core.withStatus(Status.Canceled);
        emit ProposalCanceled(proposalId);
    }

    /// @inheritdoc IGovernor
    /// @dev By anyone, once it has passed, once. A call that fails takes all back, with its reason.
    function execute(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calldatas,
        bytes32 descriptionHash
    ) external payable returns (uint256 proposalId) {
        if (msg.value != 0) revert GovernorDisabledDeposit();
        proposalId = hashProposal(targets, values, calldatas, descriptionHash);
        _execute(proposalId, calldatas);
    }

    /// @inheritdoc IConsortiumGovernor
    function castVotesAndExecute(
        Kind kind,
        bytes[] calldata calls,
        bytes32 descriptionHash,
        bytes calldata compact,
        SignedVote[] calldata others
    ) external returns (uint256 proposalId) {
        proposalId = ProposalEncoding.encode(_targetOf(kind), calls).idOfHash(descriptionHash);
        _castBatch(proposalId, compact, others);
        _execute(proposalId, calls);
    }

    // ---------------------------------------------------------------- what parameter proposals do

    /// @inheritdoc IConsortiumGovernor
    function setRule(Kind kind, Rule calldata newRule) external onlyGovernance {
        _setRule(kind, newRule);
    }

    /// @inheritdoc IConsortiumGovernor
    /// @dev Selector and arguments are those of the registry's own, so the call goes on as it came.
    function setAdmissionRules(AdmissionRules calldata) external onlyGovernance {
        Address.functionCall(address(registry), msg.data);
    }

    /// @inheritdoc IConsortiumGovernor
    function setWeights(Weight[] calldata weights) external onlyGovernance {
        if (weights.length > MAX_WEIGHTS) revert WeightsRefused(MAX_WEIGHTS);
        address last = address(0);
        for (uint256 i = 0; i < weights.length; ++i) {
            if (weights[i].account <= last) revert WeightsRefused(i);
            if (weights[i].votes == 0) revert WeightZero(weights[i].account);
            last = weights[i].account;
        }
        uint16 newVersion = ++_weightsVersion;
        // The place is where the version will be looked for.
        assert(WeightsBlob.write(weights) == CommitteeBlob.addressOf(address(this), newVersion));
        emit WeightsSet(newVersion, weights);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IConsortiumGovernor
    function describe(Draft calldata draft, address proposer) external view returns (uint256, string memory) {
        string memory description = ProposalText.describe(draft.kind, draft.contentHash, proposer);
        return (ProposalEncoding.encode(_targetOf(draft.kind), draft.calls).idOf(description), description);
    }

    /// @inheritdoc IConsortiumGovernor
    function rule(Kind kind) external view returns (Rule memory) {
        return _rules[uint256(kind)];
    }

    /// @inheritdoc IGovernor
    function proposalSnapshot(uint256 proposalId) external view returns (uint256) {
        return _known(proposalId).voteStart();
    }

    /// @inheritdoc IGovernor
    function proposalDeadline(uint256 proposalId) external view returns (uint256) {
        return _known(proposalId).voteEnd();
    }

    /// @inheritdoc IGovernor
    function votingDelay() external view returns (uint256) {
        return _rules[uint256(Kind.General)].delaySeconds;
    }

    /// @inheritdoc IGovernor
    function votingPeriod() external view returns (uint256) {
        return _rules[uint256(Kind.General)].periodSeconds;
    }

    /// @inheritdoc IGovernor
    /// @dev Of kind general, in the present committee: electorates go by epochs, not by time. See {proposal}.
    function quorum(uint256) external view returns (uint256) {
        (uint64 epoch, address pointer) = registry.committeePointer();
        return _open(Kind.General, epoch, 0, pointer.load()).quorumVotes();
    }

    /// @inheritdoc IGovernor
    /// @dev In the present committee, where rules do not weigh: electorates go by epochs, not by time. See {votesOn}.
    function getVotes(address account, uint256) public view returns (uint256) {
        return registry.isActive(account) ? 1 : 0;
    }

    /// @inheritdoc IGovernor
    function getVotesWithParams(address account, uint256 timepoint, bytes calldata) external view returns (uint256) {
        return getVotes(account, timepoint);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(IERC165, ERC165) returns (bool) {
        return
            interfaceId == type(IGovernor).interfaceId ||
            interfaceId == type(IGovernor).interfaceId ^ IGovernor.getProposalId.selector ||
            super.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev An id covers its calls, and that they all go to its kind's target was so when it was proposed.
    function _execute(uint256 proposalId, bytes[] calldata calls) private {
        ProposalCore core = _known(proposalId);
        _requireState(proposalId, core, ProposalState.Succeeded);
        // Before the calls: whoever is called and calls back finds it executed.
        _proposals[proposalId].core = core.withStatus(Status.Executed);
        emit ProposalExecuted(proposalId);
        address target = _targetOf(core.kind());
        uint256 outer = executing;
        executing = proposalId;
        for (uint256 i = 0; i < calls.length; ++i) Address.functionCall(target, calls[i]);
        executing = outer;
    }

    /// @dev The members of an epoch, which must be the current one.
    function _currentMembers(uint64 epoch) private view returns (bytes memory members) {
        members = CommitteeBlob.loadNewest(address(registry), epoch);
        if (members.length != 0) return members;
        (uint64 want, ) = registry.committeePointer();
        revert EpochMismatch(epoch, want);
    }

    /// @dev The rule and the weights of this moment are the proposal's for good.
    function _open(
        Kind kind,
        uint64 epoch,
        uint256 proposer,
        bytes memory members
    ) private view returns (ProposalCore) {
        // At most 256 members of 65,535 votes, and 40 and 24 bits of seconds.
        unchecked {
            Rule memory current = _rules[uint256(kind)];
            uint256 total = members.count();
            uint16 weights = 0;
            if (current.aggregation == Aggregation.Weighted) {
                weights = _weightsVersion;
                bytes memory loaded = _weightsOf(weights);
                uint256 size = total;
                total = 0;
                for (uint256 i = 0; i < size; ++i) total += loaded.votesOf(members.memberAt(i));
            }
            return
                ProposalCores.create(
                    kind,
                    current,
                    weights,
                    proposer,
                    epoch,
                    block.timestamp + current.delaySeconds,
                    total
                );
        }
    }

    /// @dev Nothing but what the kind allows.
    function _checkCalls(Kind kind, bytes[] calldata calls) private view {
        uint256 want = kind == Kind.General ? 0 : MAX_CALLS;
        if (calls.length > want || (calls.length == 0 && want != 0)) revert CallCountRefused(kind, calls.length, want);
        for (uint256 i = 0; i < calls.length; ++i) {
            bytes calldata call = calls[i];
            bytes4 selector = bytes4(call);
            if (!_allows(kind, selector)) revert CallRefused(kind, selector);
            if (kind == Kind.Resource) _checkBase(call);
        }
    }

    function _allows(Kind kind, bytes4 selector) private pure returns (bool) {
        // First, since its proposals have the ceiling of one call.
        if (kind == Kind.Suspension) return selector == INodeRegistry.suspend.selector;
        if (kind == Kind.Admission) {
            return
                selector == INodeRegistry.enroll.selector ||
                selector == INodeRegistry.activate.selector ||
                selector == INodeRegistry.admit.selector ||
                selector == INodeRegistry.rotate.selector ||
                selector == INodeRegistry.update.selector;
        }
        if (kind == Kind.Removal) {
            return
                selector == INodeRegistry.remove.selector ||
                selector == INodeRegistry.ban.selector ||
                selector == INodeRegistry.unban.selector;
        }
        if (kind == Kind.Authenticator) return selector == INodeRegistry.setAuthenticator.selector;
        if (kind == Kind.Parameter) {
            return
                selector == IConsortiumGovernor.setRule.selector ||
                selector == IConsortiumGovernor.setWeights.selector ||
                selector == IConsortiumGovernor.setAdmissionRules.selector;
        }
        return selector == IResourceRegistry.addVersion.selector;
    }

    /// @dev Refused here too, not only when it is executed, so that nobody votes on what cannot be done.
    function _checkBase(bytes calldata call) private view {
        (bytes32 resourceSet, uint64 base) = abi.decode(call[4:], (bytes32, uint64));
        uint64 head = resources.head(resourceSet);
        if (base != head) revert BaseOutdated(resourceSet, base, head);
    }

    function _targetOf(Kind kind) private view returns (address) {
        if (kind == Kind.Parameter) return address(this);
        return kind == Kind.Resource ? address(resources) : address(registry);
    }

    function _digestOf(
        uint256 proposalId,
        Kind kind,
        bytes32 contentHash,
        uint48 validUntil
    ) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(PROPOSAL_TYPEHASH, proposalId, kind, contentHash, validUntil)));
    }

    function _setRule(Kind kind, Rule memory newRule) private {
        if (newRule.quorumShare > ProposalCores.SHARE_WHOLE)
            revert QuorumInvalid(newRule.quorumShare, ProposalCores.SHARE_WHOLE);
        if (newRule.periodSeconds == 0) revert PeriodZero();
        _rules[uint256(kind)] = newRule;
        emit RuleSet(kind, newRule.aggregation, newRule.quorumShare, newRule.delaySeconds, newRule.periodSeconds);
    }
}
