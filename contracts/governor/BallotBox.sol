// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { IConsortiumGovernor, Kind, ProposalInfo, SignedVote } from "../interfaces/IConsortiumGovernor.sol";
import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { Ballots } from "../libraries/Ballots.sol";
import { CommitteeBlob } from "../libraries/CommitteeBlob.sol";
import { CompactSignatures } from "../libraries/CompactSignatures.sol";
import { MemberSignatures } from "../libraries/MemberSignatures.sol";
import { ProposalCore, Status } from "../libraries/ProposalCore.sol";
import { WeightsBlob } from "../libraries/WeightsBlob.sol";

/// @title BallotBox
/// @notice The votes of {IConsortiumGovernor}: who may vote, what has been voted, and what follows from it. A vote rewrites
/// the proposal's word and the word of who has voted; whole batches do so once.
/// @dev This contract must never create anything but blobs of weights: version v is its v-th creation.
abstract contract BallotBox is IConsortiumGovernor, EIP712 {
    using Ballots for bytes;
    using CommitteeBlob for address;
    using CommitteeBlob for bytes;
    using MemberSignatures for address;
    using WeightsBlob for bytes;

    uint256 private constant SUPPORTS = 3;
    /// From the last vote: what has passed can be executed for so long.
    uint256 internal constant EXECUTION_SECONDS = 30 days;

    /// @dev Two slots: the first is made by the proposal, the second by the first vote.
    struct Proposal {
        ProposalCore core;
        /// Bit i: member i of the electorate has voted.
        uint256 voters;
    }

    /// @dev What a batch carries along, written when it is done.
    struct Count {
        uint256 proposalId;
        ProposalCore core;
        uint256 voters;
        uint256 counted;
        bytes members;
        bytes weights;
    }

    /// @inheritdoc IConsortiumGovernor
    INodeRegistry public immutable registry;

    mapping(uint256 proposalId => Proposal kept) internal _proposals;

    constructor(INodeRegistry registry_) {
        if (address(registry_).code.length == 0) revert RegistryMissing(address(registry_));
        registry = registry_;
    }

    // ---------------------------------------------------------------- votes by transaction

    /// @inheritdoc IGovernor
    function castVote(uint256 proposalId, uint8 support) external returns (uint256) {
        return _castOwn(proposalId, support, "");
    }

    /// @inheritdoc IGovernor
    function castVoteWithReason(uint256 proposalId, uint8 support, string calldata reason) external returns (uint256) {
        return _castOwn(proposalId, support, reason);
    }

    /// @inheritdoc IGovernor
    /// @dev There are no parameters: they must be empty.
    function castVoteWithReasonAndParams(
        uint256 proposalId,
        uint8 support,
        string calldata reason,
        bytes calldata params
    ) external returns (uint256) {
        if (params.length != 0) revert GovernorInvalidVoteParams();
        return _castOwn(proposalId, support, reason);
    }

    // ---------------------------------------------------------------- votes by signature

    /// @inheritdoc IGovernor
    /// @dev The signature is that of a `Ballot`.
    function castVoteBySig(
        uint256 proposalId,
        uint8 support,
        address voter,
        bytes calldata signature
    ) external returns (uint256) {
        return _castSigned(proposalId, support, voter, "", signature);
    }

    /// @inheritdoc IGovernor
    /// @dev The signature is that of a `ReasonedBallot`, or of a `Ballot` where the reason is empty.
    function castVoteWithReasonAndParamsBySig(
        uint256 proposalId,
        uint8 support,
        address voter,
        string calldata reason,
        bytes calldata params,
        bytes calldata signature
    ) external returns (uint256) {
        if (params.length != 0) revert GovernorInvalidVoteParams();
        return _castSigned(proposalId, support, voter, reason, signature);
    }

    /// @inheritdoc IConsortiumGovernor
    function castVotesBySig(
        uint256 proposalId,
        bytes calldata compact,
        SignedVote[] calldata others
    ) external returns (uint256) {
        return _castBatch(proposalId, compact, others);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IConsortiumGovernor
    function electorate(uint256 proposalId) public view returns (address[] memory) {
        return _membersOf(_known(proposalId)).read();
    }

    /// @inheritdoc IGovernor
    function hasVoted(uint256 proposalId, address account) external view returns (bool) {
        bytes memory members = _membersOf(_known(proposalId)).load();
        uint256 place = members.indexOf(account);
        return place < members.count() && (_proposals[proposalId].voters >> place) & 1 != 0;
    }

    /// @inheritdoc IConsortiumGovernor
    function proposal(uint256 proposalId) external view returns (ProposalInfo memory) {
        ProposalCore core = _known(proposalId);
        return
            ProposalInfo({
                kind: core.kind(),
                aggregation: core.aggregation(),
                proposer: proposalProposer(proposalId),
                epoch: core.epoch(),
                voteStart: uint48(core.voteStart()),
                voteEnd: uint48(core.voteEnd()),
                forVotes: core.votes(1),
                againstVotes: core.votes(0),
                abstainVotes: core.votes(2),
                totalVotes: core.totalVotes(),
                quorumVotes: core.quorumVotes(),
                voters: _proposals[proposalId].voters
            });
    }

    /// @inheritdoc IGovernor
    function proposalProposer(uint256 proposalId) public view returns (address) {
        ProposalCore core = _known(proposalId);
        return _membersOf(core).load().memberAt(core.proposer());
    }

    /// @inheritdoc IConsortiumGovernor
    function proposalVotes(
        uint256 proposalId
    ) external view returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes) {
        ProposalCore core = _known(proposalId);
        return (core.votes(0), core.votes(1), core.votes(2));
    }

    /// @inheritdoc IGovernor
    /// @dev Decided as soon as it is certain. What has passed expires 30 days after its last second, unless it is general.
    function state(uint256 proposalId) public view returns (ProposalState) {
        return _stateOf(_known(proposalId));
    }

    /// @inheritdoc IConsortiumGovernor
    function votesOn(uint256 proposalId, address account) external view returns (uint256) {
        ProposalCore core = _known(proposalId);
        bytes memory members = _membersOf(core).load();
        if (members.indexOf(account) == members.count()) return 0;
        return _weightsOf(core.weightsVersion()).votesOf(account);
    }

    // ---------------------------------------------------------------- the state machine

    function _stateOf(ProposalCore core) internal view returns (ProposalState) {
        Status status = core.status();
        if (status == Status.Executed) return ProposalState.Executed;
        if (status == Status.Canceled) return ProposalState.Canceled;
        if (block.timestamp < core.voteStart()) return ProposalState.Pending;
        uint256 end = core.voteEnd();
        (bool passed, bool defeated) = core.outcome(block.timestamp > end);
        if (defeated) return ProposalState.Defeated;
        if (!passed) return ProposalState.Active;
        if (core.kind() != Kind.General && block.timestamp > end + EXECUTION_SECONDS) return ProposalState.Expired;
        return ProposalState.Succeeded;
    }

    function _requireState(uint256 proposalId, ProposalCore core, ProposalState want) internal view {
        ProposalState have = _stateOf(core);
        if (have != want) revert GovernorUnexpectedProposalState(proposalId, have, bytes32(1 << uint8(want)));
    }

    function _known(uint256 proposalId) internal view returns (ProposalCore core) {
        core = _proposals[proposalId].core;
        if (core.status() == Status.None) revert GovernorNonexistentProposal(proposalId);
    }

    // ---------------------------------------------------------------- counting

    function _castBatch(
        uint256 proposalId,
        bytes calldata compact,
        SignedVote[] calldata others
    ) internal returns (uint256) {
        if (compact.length % Ballots.COMPACT_BYTES != 0) {
            revert VotesLength(compact.length, (compact.length / Ballots.COMPACT_BYTES + 1) * Ballots.COMPACT_BYTES);
        }
        (Proposal storage kept, Count memory count) = _begin(proposalId);
        bytes32 separator = _domainSeparatorV4();
        _countCompact(count, separator, compact);
        for (uint256 i = 0; i < others.length; ++i) {
            SignedVote calldata vote = others[i];
            address voter = _voterAt(count, vote.voter);
            if ((count.voters >> vote.voter) & 1 != 0) continue;
            bytes32 digest = Ballots.digestWithReason(separator, proposalId, vote.support, voter, vote.reason);
            if (!voter.isSignedBy(digest, vote.signature)) revert GovernorInvalidSignature(voter);
            _add(count, vote.voter, voter, vote.support, vote.reason);
        }
        // Nothing was called in between that could have voted: wallets are asked by STATICCALL.
        kept.core = count.core;
        kept.voters = count.voters;
        return count.counted;
    }

    function _castOwn(uint256 proposalId, uint8 support, string memory reason) private returns (uint256) {
        (Proposal storage kept, ProposalCore core) = _active(proposalId);
        bytes memory members = _membersOf(core).load();
        return _castOne(proposalId, kept, core, _placeOf(core, members, msg.sender), msg.sender, support, reason);
    }

    function _castSigned(
        uint256 proposalId,
        uint8 support,
        address voter,
        string memory reason,
        bytes calldata signature
    ) private returns (uint256) {
        (Proposal storage kept, ProposalCore core) = _active(proposalId);
        uint256 place = _placeOf(core, _membersOf(core).load(), voter);
        bytes32 digest = Ballots.digestWithReason(_domainSeparatorV4(), proposalId, support, voter, reason);
        if (!voter.isSignedBy(digest, signature)) revert GovernorInvalidSignature(voter);
        return _castOne(proposalId, kept, core, place, voter, support, reason);
    }

    function _castOne(
        uint256 proposalId,
        Proposal storage kept,
        ProposalCore core,
        uint256 place,
        address voter,
        uint8 support,
        string memory reason
    ) private returns (uint256 votes) {
        uint256 voters = kept.voters;
        if ((voters >> place) & 1 != 0) revert GovernorAlreadyCastVote(voter);
        if (support >= SUPPORTS) revert GovernorInvalidVoteType();
        votes = _weightsOf(core.weightsVersion()).votesOf(voter);
        kept.core = core.withVotes(support, votes);
        kept.voters = voters | (1 << place);
        emit VoteCast(voter, proposalId, support, votes, reason);
    }

    function _active(uint256 proposalId) private view returns (Proposal storage kept, ProposalCore core) {
        kept = _proposals[proposalId];
        core = kept.core;
        if (core.status() == Status.None) revert GovernorNonexistentProposal(proposalId);
        _requireState(proposalId, core, ProposalState.Active);
    }

    /// @dev Kept in local variables from vote to vote: this is what the price of a further vote is made of.
    function _countCompact(Count memory count, bytes32 separator, bytes calldata compact) private {
        // Places and supports are checked before they are used; the rest are offsets within calldata.
        unchecked {
            ProposalCore core = count.core;
            uint256 voters = count.voters;
            uint256 proposalId = count.proposalId;
            for (uint256 done = 0; done < compact.length; done += Ballots.COMPACT_BYTES) {
                (uint256 place, uint8 support, bytes32 r, bytes32 vs) = compact.compactAt(done);
                address voter = _voterAt(count, place);
                if ((voters >> place) & 1 != 0) continue;
                if (support >= SUPPORTS) revert GovernorInvalidVoteType();
                bytes32 digest = Ballots.digestOf(separator, proposalId, support, voter);
                // Shifted out and back: the parity bit is gone.
                bytes32 s = (vs << 1) >> 1;
                address signer = ecrecover(digest, uint8(27 + (uint256(vs) >> 255)), r, s);
                // No member is zero, which stands for the signature of nobody.
                if (signer != voter || uint256(s) > CompactSignatures.HALF_ORDER)
                    revert GovernorInvalidSignature(voter);
                uint256 votes = count.weights.votesOf(voter);
                core = core.withVotes(support, votes);
                voters |= 1 << place;
                ++count.counted;
                emit VoteCast(voter, proposalId, support, votes, "");
            }
            count.core = core;
            count.voters = voters;
        }
    }

    function _begin(uint256 proposalId) private view returns (Proposal storage kept, Count memory count) {
        (kept, count.core) = _active(proposalId);
        count.proposalId = proposalId;
        count.voters = kept.voters;
        count.members = _membersOf(count.core).load();
        count.weights = _weightsOf(count.core.weightsVersion());
    }

    function _add(Count memory count, uint256 place, address voter, uint8 support, string memory reason) private {
        if (support >= SUPPORTS) revert GovernorInvalidVoteType();
        uint256 votes = count.weights.votesOf(voter);
        count.core = count.core.withVotes(support, votes);
        count.voters |= 1 << place;
        ++count.counted;
        emit VoteCast(voter, count.proposalId, support, votes, reason);
    }

    function _placeOf(ProposalCore core, bytes memory members, address account) private pure returns (uint256 place) {
        place = members.indexOf(account);
        if (place == members.count()) revert NotElector(account, core.epoch());
    }

    function _voterAt(Count memory count, uint256 place) private pure returns (address) {
        uint256 size = count.members.count();
        if (place >= size) revert PlaceUnknown(place, size);
        return count.members.memberAt(place);
    }

    // ---------------------------------------------------------------- helpers

    function _membersOf(ProposalCore core) internal view returns (address) {
        return CommitteeBlob.addressOf(address(registry), core.epoch());
    }

    /// @dev Empty for version 0, with which everybody has one vote.
    function _weightsOf(uint16 version) internal view returns (bytes memory) {
        if (version == 0) return "";
        return CommitteeBlob.addressOf(address(this), version).load();
    }
}
