// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { AdmissionRules } from "./Admission.sol";
import { INodeRegistry } from "./INodeRegistry.sol";
import { IResourceRegistry } from "./IResourceRegistry.sol";

/// @notice What a proposal is about; each kind has its rule and the only calls that it may make.
enum Kind {
    /// `NodeRegistry.admit`, `enroll`, `activate`, `update` and `rotate`.
    Admission,
    /// `NodeRegistry.suspend`.
    Suspension,
    /// `NodeRegistry.remove`, `ban` and `unban`.
    Removal,
    /// `NodeRegistry.setAuthenticator`.
    Authenticator,
    /// `ConsortiumGovernor.setRule`, `setWeights` and `setAdmissionRules`.
    Parameter,
    /// `ResourceRegistry.addVersion`.
    Resource,
    /// No call at all: the vote itself is the result.
    General
}

/// @notice When the votes are enough, given that the quorum took part.
enum Aggregation {
    /// More for than against.
    Majority,
    /// At least twice as many for as against, and one for.
    TwoThirds,
    /// Every member of the electorate is for; an abstention is no consent.
    Unanimity,
    /// More weight for than against.
    Weighted
}

/// @notice How a kind of proposal is voted on.
struct Rule {
    Aggregation aggregation;
    /// Share of the electorate's votes, in 1/10,000, that must take part (for, against or abstain); rounded up.
    uint16 quorumShare;
    /// From the proposal to the first second in which votes are taken; at most 194 days.
    uint24 delaySeconds;
    /// From then to the last second in which votes are taken; 1 second to 194 days.
    uint24 periodSeconds;
}

/// @notice What a proposer proposes.
struct Draft {
    Kind kind;
    /// SHA-256 of the canonical content. The content is voted on once: another try needs another content.
    bytes32 contentHash;
    /// The last second in which the signed draft can be handed in.
    uint48 validUntil;
    /// Selector and arguments of each call, in order; whom they go to follows from the kind.
    bytes[] calls;
}

/// @notice A collected vote with a reason, or of a contract wallet.
struct SignedVote {
    /// Place in the electorate.
    uint8 voter;
    /// 0 against, 1 for, 2 abstain.
    uint8 support;
    string reason;
    /// 65 bytes, 64 by EIP-2098, or whatever the wallet at the voter's address takes (ERC-1271).
    bytes signature;
}

/// @notice The votes that a member has where a rule weighs.
struct Weight {
    address account;
    uint16 votes;
}

/// @notice What is kept about a proposal.
struct ProposalInfo {
    Kind kind;
    Aggregation aggregation;
    address proposer;
    /// The electorate is the committee of this epoch.
    uint64 epoch;
    /// First and last second in which votes are taken.
    uint48 voteStart;
    uint48 voteEnd;
    uint256 forVotes;
    uint256 againstVotes;
    uint256 abstainVotes;
    /// Votes of the whole electorate, and how many must take part.
    uint256 totalVotes;
    uint256 quorumVotes;
    /// Bit i is set when member i of the electorate has voted.
    uint256 voters;
}

/// @title Proposals and votes of the consortium
/// @notice An `IGovernor` (support is against, for, abstain; the clock is the block time) whose electorate is the committee
/// of `NodeRegistry` at the moment of the proposal, whatever becomes of the committee afterwards. A proposal is decided as
/// soon as no vote that is still out can change the outcome. It can make no other calls than those of its kind.
///
/// EIP-712, domain {name: "Notarium", version: "1", chainId, verifyingContract: this contract}:
/// `Proposal(uint256 proposalId,uint8 kind,bytes32 contentHash,uint48 validUntil)`,
/// `Ballot(uint256 proposalId,uint8 support,address voter)` for a vote without reason,
/// `ReasonedBallot(uint256 proposalId,uint8 support,address voter,string reason)` for one with a reason.
/// There are no nonces: a vote counts once since the voter's bit is set, a proposal since its id is taken.
/// @dev A proposal's id is that of `IGovernor.hashProposal`, with values of zero and the description
/// `<kind> 0x<content hash>#proposer=0x<address>`, so that it binds all three.
/// What a rule asks for differs by kind. Where `IGovernor` has only one answer (`quorum`, `votingDelay`,
/// `votingPeriod`), it is that of kind general.
interface IConsortiumGovernor is IGovernor {
    // ---------------------------------------------------------------- errors

    /// @notice A resource proposal names another version than the one that the next must follow.
    error BaseOutdated(bytes32 resourceSet, uint64 have, uint64 want);

    /// @notice A general proposal makes no call, every other one 1 to 8.
    error CallCountRefused(Kind kind, uint256 have, uint256 want);

    /// @notice Proposals of this kind must not make this call.
    error CallRefused(Kind kind, bytes4 selector);

    /// @notice The signed draft is past its time: block time, and the last second in which it could be handed in.
    error DraftExpired(uint256 have, uint256 want);

    /// @notice The electorate must be the current committee.
    error EpochMismatch(uint64 have, uint64 want);

    /// @notice The account is not in the electorate.
    error NotElector(address account, uint64 epoch);

    /// @notice There is no member at this place.
    error PlaceUnknown(uint256 have, uint256 size);

    /// @notice A period is at least one second.
    error PeriodZero();

    /// @notice Proposals carry their proposer's signature: hand them in by `propose(Draft,uint64,uint8,bytes)`.
    error ProposalUnsigned();

    /// @notice A quorum is at most 10,000 of 10,000.
    error QuorumInvalid(uint256 have, uint256 want);

    /// @notice There is no contract at this address.
    error RegistryMissing(address registry);

    /// @notice Compact votes have 66 bytes each.
    error VotesLength(uint256 have, uint256 want);

    /// @notice Weights are given in the order of the accounts, each once, at most 256 of them.
    error WeightsRefused(uint256 index);

    /// @notice A member has at least one vote.
    error WeightZero(address account);

    // ---------------------------------------------------------------- events

    /// @notice Comes with each `ProposalCreated`, whose description has kind, content hash and proposer.
    event ProposalSigned(uint256 proposalId, uint48 validUntil, bytes signature);

    /// @notice A kind has this rule from now on; open proposals keep theirs.
    event RuleSet(
        Kind indexed kind,
        Aggregation aggregation,
        uint16 quorumShare,
        uint24 delaySeconds,
        uint24 periodSeconds
    );

    /// @notice These are the weights from now on, whoever is not named has 1; open proposals keep theirs.
    event WeightsSet(uint16 indexed version, Weight[] weights);

    // ---------------------------------------------------------------- changes

    /// @notice Takes collected votes that decide, and makes the proposal's calls at once: a transaction less than
    /// {castVotesBySig} and {IGovernor-execute}. Anyone may.
    /// @dev Reverts as the two do, where the votes do not decide with {GovernorUnexpectedProposalState}; then nothing has
    /// happened.
    /// @param calls Of the proposal, and the hash of its description.
    /// @param compact As {castVotesBySig} takes them, and `others`.
    function castVotesAndExecute(
        Kind kind,
        bytes[] calldata calls,
        bytes32 descriptionHash,
        bytes calldata compact,
        SignedVote[] calldata others
    ) external returns (uint256 proposalId);

    /// @notice Takes collected votes, at one write for all of them. Anyone may hand them in.
    /// @dev Votes of who has voted already are passed over, so that nobody spoils a batch by voting meanwhile.
    /// Reverts with {GovernorUnexpectedProposalState}, {VotesLength}, {PlaceUnknown}, {GovernorInvalidVoteType} or
    /// {GovernorInvalidSignature}.
    /// @param compact 66 bytes a vote: place in the electorate, support, EIP-2098 signature of a `Ballot`.
    /// @param others Votes with a reason, and those of contract wallets.
    /// @return counted How many votes were new.
    function castVotesBySig(
        uint256 proposalId,
        bytes calldata compact,
        SignedVote[] calldata others
    ) external returns (uint256 counted);

    /// @notice Opens a proposal of a member of the current committee. Anyone may hand it in: the member's signature counts.
    /// @dev Reverts with {EpochMismatch}, {PlaceUnknown}, {DraftExpired}, {CallCountRefused}, {CallRefused},
    /// {BaseOutdated}, {GovernorInvalidSignature} or {GovernorUnexpectedProposalState} where the
    /// proposal is there already.
    /// @param epoch The current committee epoch.
    /// @param proposer The proposer's place in the committee.
    /// @param signature Of `Proposal`: 65 bytes, 64 by EIP-2098, or what the proposer's wallet takes (ERC-1271).
    function propose(
        Draft calldata draft,
        uint64 epoch,
        uint8 proposer,
        bytes calldata signature
    ) external returns (uint256 proposalId);

    /// @notice Sets what candidates must fulfil, see {INodeRegistry-setAdmissionRules}. By a passed parameter proposal only.
    /// @dev Reverts with {GovernorOnlyExecutor} or {INodeRegistry-ReapplyZero}.
    function setAdmissionRules(AdmissionRules calldata rules) external;

    /// @notice Gives a kind another rule. By a passed parameter proposal only.
    /// @dev Reverts with {GovernorOnlyExecutor}, {QuorumInvalid} or {PeriodZero}.
    function setRule(Kind kind, Rule calldata newRule) external;

    /// @notice Replaces all weights; whoever is not named has 1. By a passed parameter proposal only.
    /// @param weights In ascending order of the accounts, at most 256.
    /// @dev Reverts with {GovernorOnlyExecutor}, {WeightsRefused} or {WeightZero}.
    function setWeights(Weight[] calldata weights) external;

    // ---------------------------------------------------------------- views

    /// @notice Id and description of a draft by this proposer: what it signs and what the events will say.
    function describe(
        Draft calldata draft,
        address proposer
    ) external view returns (uint256 proposalId, string memory description);

    /// @notice The members who may vote on a proposal, in the order of their places.
    function electorate(uint256 proposalId) external view returns (address[] memory members);

    /// @notice The proposal whose calls are being made; zero outside of `execute`.
    function executing() external view returns (uint256 proposalId);

    /// @notice All that is kept about a proposal.
    /// @dev Reverts with {GovernorNonexistentProposal}.
    function proposal(uint256 proposalId) external view returns (ProposalInfo memory);

    /// @notice The votes so far, as OpenZeppelin's simple counting answers.
    function proposalVotes(
        uint256 proposalId
    ) external view returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes);

    /// @notice The registry whose committee votes.
    function registry() external view returns (INodeRegistry);

    /// @notice The registry of the resource sets.
    function resources() external view returns (IResourceRegistry);

    /// @notice The rule for new proposals of a kind.
    function rule(Kind kind) external view returns (Rule memory);

    /// @notice The votes that an account has on a proposal; zero for who is not in its electorate.
    function votesOn(uint256 proposalId, address account) external view returns (uint256);
}
