// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AdmissionRules, Application } from "./Admission.sol";
import { Header } from "./Header.sol";
import { Node, NodeEntry, NodeStatus } from "./Node.sol";

/// @title The nodes of the consortium and its committee
/// @notice The committee is the ordered set of active nodes (centres). It has an epoch, which grows by one at every
/// change. All centres have equal rights: the order decides only whose turn it is to publish.
///
/// Who wants to join applies with what authenticators attest ({applyFor}), has its information published ({publish}), and
/// is admitted by vote ({admit}). Where the rules ask for no attestation, nodes are entered by vote alone ({enroll},
/// {activate}).
///
/// EIP-712, domain {name: "Notarium", version: "1", chainId, verifyingContract: this contract}:
/// `Attestation(address candidate,Entry entry,bytes32 manifestHash,bytes32 profileDigest,uint32 score,uint48 expiry,
/// uint48 nonce)Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)`, without the line break.
interface INodeRegistry {
    // ---------------------------------------------------------------- errors

    /// @notice The zero address can be neither a node nor the governor.
    error AccountZero();

    /// @notice The anchor is set once and for ever.
    error AnchorAlreadySet(address have, address want);

    /// @notice The anchor reads its committee from another registry.
    error AnchorForeign(address have, address want);

    /// @notice There is no contract at the anchor's address.
    error AnchorMissing(address anchor);

    /// @notice No anchor is set yet, so nobody can say what the hash of a block is.
    error AnchorUnset();

    /// @notice The last application was a short time ago: block time, and the first second in which the next is taken.
    error ApplicationEarly(uint256 have, uint256 want);

    /// @notice The account has applied with something else, or its application was taken back.
    error ApplicationMismatch(address account, bytes20 have, bytes20 want);

    /// @notice The rules ask for no attestation: nobody can apply.
    error ApplicationsClosed();

    /// @notice The information of the application is not published.
    error ApplicationUnpublished(address account, bytes20 application);

    /// @notice The attestation is past its time: block time, and its last second.
    error AttestationExpired(uint256 have, uint256 want);

    /// @notice A candidate has to apply first: the rules ask for so many attestations.
    error AttestationRequired(address account, uint256 want);

    /// @notice Fewer authenticators attest than the rules ask for.
    error AttestationsMissed(uint256 have, uint256 want);

    /// @notice Signatures stand in ascending order of their authenticators, each once.
    error AttesterOrder(address have, address last);

    /// @notice The signer is no authenticator, or no longer; or it signed something else.
    error AttesterRefused(address attester);

    /// @notice A committee has at least one member.
    error CommitteeEmpty();

    /// @notice A committee has at most 256 members, the width of the signer bitmap.
    error CommitteeFull(uint256 have, uint256 want);

    /// @notice The committee's blob could not be created where its epoch says (zero: not created at all).
    error CommitteeMisplaced(address have, address want);

    /// @notice The same account appears twice in the genesis committee.
    error DuplicateNode(address account);

    /// @notice The information is not that of the application.
    error EntryMismatch(bytes32 have, bytes32 want);

    /// @notice There was no such epoch yet; epochs start at 1.
    error EpochUnknown(uint64 have, uint64 want);

    /// @notice Both blocks are of epochs before the node became active the last time: the greater of the two, and the
    /// least that counts. What it did before, the governor has judged.
    error EvidenceStale(uint64 have, uint64 want);

    /// @notice The governor is set once and for ever.
    error GovernorAlreadySet(address have, address want);

    /// @notice The last active node can be neither suspended nor removed: nobody could publish any more.
    error LastActiveNode(address account);

    /// @notice The candidate proved to hold another protocol manifest.
    error ManifestMismatch(bytes32 have, bytes32 want);

    /// @notice No node has this account, or it was removed.
    error NodeUnknown(address account);

    /// @notice The attestation was made for another application of the candidate: it is used, or not the next.
    error NonceMismatch(uint256 have, uint256 want);

    /// @notice Only the account that deployed the registry may do this.
    error NotDeployer(address have, address want);

    /// @notice Only the governor may do this.
    error NotGovernor(address have, address want);

    /// @notice Between two applications is at least one second.
    error ReapplyZero();

    /// @notice The two headers are the same block: signing that twice is no offence.
    error SameBlock(bytes32 blockHash);

    /// @notice The candidate did not do well enough.
    error ScoreTooLow(uint256 have, uint256 want);

    /// @notice Nobody made this signature over this block or attestation.
    error SignatureInvalid(bytes32 digest);

    /// @notice A signature has 65 bytes, or 64 by EIP-2098; those of attestations have 64 each.
    error SignatureLength(uint256 have, uint256 want);

    /// @notice The s value of a signature is in the upper half of the curve order.
    error SignatureMalleable(bytes32 s);

    /// @notice The second block is signed by somebody else than the first.
    error SignerMismatch(address have, address want);

    /// @notice The two blocks are of different slots: the second's, and the first's.
    error SlotMismatch(uint64 have, uint64 want);

    /// @notice A name or an endpoint has more bytes than allowed.
    error TextTooLong(uint256 have, uint256 want);

    /// @notice A node cannot go from the status it has to the wanted one.
    error TransitionRefused(address account, NodeStatus have, NodeStatus want);

    // ---------------------------------------------------------------- events

    /// @notice The rules for candidates are these from now on.
    event AdmissionRulesSet(AdmissionRules rules);

    /// @notice The anchor was set.
    event AnchorSet(address indexed anchor);

    /// @notice A candidate applied; what with, the transaction says, and {publish}.
    event Applied(address indexed account, bytes20 application);

    /// @notice The information of an application is there to be voted on.
    event ApplicationPublished(
        address indexed account,
        bytes20 application,
        bytes32 profileDigest,
        uint32 score,
        uint48 expiry
    );

    /// @notice An account may attest candidates from now on, or no longer.
    event AuthenticatorSet(address indexed account, bool isAllowed);

    /// @notice The committee changed; `pointer` is the blob with its members, readable for ever.
    event CommitteeChanged(uint64 indexed epoch, address pointer, uint256 size);

    /// @notice A node was suspended because it signed two different blocks of one slot.
    event EquivocationReported(
        address indexed account,
        uint64 slot,
        bytes32 firstHash,
        bytes32 secondHash,
        address reporter
    );

    /// @notice The governor was set.
    event GovernorSet(address indexed governor);

    /// @notice A node joined the committee, or came back.
    event NodeActivated(address indexed account);

    /// @notice An account can neither be a node nor apply, until this is taken back.
    event NodeBanned(address indexed account);

    /// @notice A node became a candidate, or its information as one was published.
    event NodeEnrolled(address indexed account, string name, string endpoint, bytes32 encryptionKey, bytes32 noteKey);

    /// @notice A node left for good; it may only come back as a new candidate.
    event NodeRemoved(address indexed account);

    /// @notice A node goes on with another account, in its place of the committee and with its rights.
    event NodeRotated(address indexed from, address indexed to);

    /// @notice A node left the committee for the time being.
    event NodeSuspended(address indexed account);

    /// @notice A banned account may apply again.
    event NodeUnbanned(address indexed account);

    /// @notice The public information of a node changed.
    event NodeUpdated(address indexed account, string name, string endpoint, bytes32 encryptionKey, bytes32 noteKey);

    // ---------------------------------------------------------------- changes

    /// @notice Makes a candidate, or a suspended node, a member of the committee (at its end).
    /// @dev Governor only. Candidates only where the rules ask for no attestation. Reverts with {TransitionRefused},
    /// {AttestationRequired}, {ApplicationUnpublished} or {CommitteeFull}.
    function activate(address account) external;

    /// @notice Makes a candidate that applied a member of the committee (at its end).
    /// @dev Governor only. Reverts with {TransitionRefused}, {ApplicationMismatch}, {ApplicationUnpublished},
    /// {AttestationExpired} or {CommitteeFull}.
    /// @param application What is voted on: a later application of the candidate is another one.
    function admit(address account, bytes20 application) external;

    /// @notice Makes the sender a candidate, by what authenticators attest about it. {publish} comes next.
    /// @dev A candidate may apply anew, and replaces its application so. The nonce is the sender's `appliedAt`. Reverts with
    /// {ApplicationsClosed}, {AttestationExpired}, {ManifestMismatch}, {ScoreTooLow}, {TransitionRefused} where the sender is
    /// active, suspended or banned, {NonceMismatch}, {ApplicationEarly}, {SignatureLength}, {AttestationsMissed},
    /// {SignatureMalleable}, {SignatureInvalid}, {AttesterOrder} or {AttesterRefused}.
    /// @param signatures Of `Attestation`, 64 bytes each by EIP-2098, s in the lower half, in ascending order of the
    /// authenticators; at least as many as the rules ask for.
    function applyFor(Application calldata application, bytes calldata signatures) external;

    /// @notice Keeps an account out, whatever it is so far; a member leaves the committee.
    /// @dev Governor only. Reverts with {AccountZero}, {LastActiveNode} or {TransitionRefused}.
    function ban(address account) external;

    /// @notice Enters a new node, or a removed one again, as a candidate.
    /// @dev Governor only. Reverts with {AccountZero}, {TextTooLong} or {TransitionRefused}.
    function enroll(NodeEntry calldata entry) external;

    /// @notice Publishes the information of an application, so that it can be voted on. Anyone may.
    /// @dev Reverts with {TransitionRefused} where the account is no candidate, {EntryMismatch}, {ApplicationMismatch} or
    /// {TextTooLong}.
    /// @param entry Of the candidate, as the application has it.
    /// @param application As the candidate handed it in.
    function publish(NodeEntry calldata entry, Application calldata application) external;

    /// @notice Removes a candidate, active or suspended node; the record of it stays.
    /// @dev Governor only. Reverts with {LastActiveNode} or {TransitionRefused}.
    function remove(address account) external;

    /// @notice Suspends an active node that signed two different blocks of one slot, which an honest one never does.
    /// Anyone may report; the signatures are the proof.
    /// @dev The order of the two does not matter. Each proof counts against one term of the node in the committee (see
    /// {EvidenceStale}), so that it cannot be shown again after the governor has taken the node back.
    /// Reverts with {AnchorUnset}, {SlotMismatch}, {SameBlock}, {SignatureLength}, {SignatureMalleable},
    /// {SignatureInvalid}, {SignerMismatch}, {TransitionRefused} where the node is not active (any more),
    /// {EvidenceStale} or {LastActiveNode}.
    /// @param firstSignature Over the first block's hash: 65 bytes, or 64 by EIP-2098; s in the lower half.
    /// @param secondSignature By the same key over the second's.
    function reportEquivocation(
        Header calldata first,
        bytes calldata firstSignature,
        Header calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice Gives an active node another account: the new one takes its place in the committee and its rights as an
    /// authenticator, the old one is removed.
    /// @dev Governor only. The new account is a stranger or a removed node. Reverts with {AccountZero},
    /// {TransitionRefused} or {TextTooLong}.
    /// @param account The old one.
    /// @param entry The new account, and the node's information from now on.
    function rotate(address account, NodeEntry calldata entry) external;

    /// @notice Sets what candidates must fulfil; applications that are there already stay good.
    /// @dev Governor only. Reverts with {ReapplyZero}.
    function setAdmissionRules(AdmissionRules calldata rules) external;

    /// @notice Names the `BlockAnchor` whose blocks the nodes sign, once.
    /// @dev Deployer only. The anchor must be a contract that reads this registry. Reverts with {NotDeployer},
    /// {AnchorAlreadySet}, {AnchorMissing} or {AnchorForeign}.
    function setAnchor(address newAnchor) external;

    /// @notice Lets a node challenge candidates and attest their results, or no longer.
    /// @dev Governor only. Reverts with {NodeUnknown} where a stranger or a removed node is to be allowed.
    function setAuthenticator(address account, bool isAllowed) external;

    /// @notice A node's own change of its endpoint.
    /// @dev Reverts with {NodeUnknown} for strangers and removed nodes, or {TextTooLong}.
    function setEndpoint(string calldata endpoint) external;

    /// @notice Hands the registry to its governor, once.
    /// @dev Deployer only. Until then nobody can change the committee but by {reportEquivocation}, the deployer neither.
    function setGovernor(address newGovernor) external;

    /// @notice Takes an active node out of the committee for the time being.
    /// @dev Governor only. Reverts with {LastActiveNode} or {TransitionRefused}.
    function suspend(address account) external;

    /// @notice Takes a ban back: the account is as a removed node.
    /// @dev Governor only. Reverts with {TransitionRefused}.
    function unban(address account) external;

    /// @notice Replaces the public information of a node.
    /// @dev Governor only. Reverts with {NodeUnknown} or {TextTooLong}.
    function update(NodeEntry calldata entry) external;

    // ---------------------------------------------------------------- views

    /// @notice What candidates must fulfil now; all zero until set.
    function admissionRules() external view returns (AdmissionRules memory);

    /// @notice The `BlockAnchor` whose blocks the nodes sign; zero until set.
    function anchor() external view returns (address);

    /// @notice The current epoch and the members in order.
    function committee() external view returns (uint64 epoch, address[] memory members);

    /// @notice The members of an earlier epoch, in order: old receipts stay checkable.
    /// @dev Reverts with {EpochUnknown}.
    function committeeAt(uint64 epoch) external view returns (address[] memory members);

    /// @notice The current epoch and the blob that holds the members: the one read of `BlockAnchor`.
    function committeePointer() external view returns (uint64 epoch, address pointer);

    /// @notice The account that deployed the registry and may set anchor and governor once.
    function deployer() external view returns (address);

    /// @notice The current committee, as Hyperledger Besu's QBFT validator contract must answer: Besu asks for the validators of
    /// the block after the newest one, so a change is in force in the block after it.
    /// @dev Never reverts and is never empty, from the block of the deployment on.
    function getValidators() external view returns (address[] memory validators);

    /// @notice Who may change the committee; zero until set.
    function governor() external view returns (address);

    /// @notice What authenticators sign, and what the application is called: the first 20 bytes of the EIP-712 hash of the
    /// struct.
    function hashApplication(
        address candidate,
        Application calldata application
    ) external view returns (bytes32 digest, bytes20 name);

    /// @notice Whether the account is a member of the current committee.
    function isActive(address account) external view returns (bool);

    /// @notice Whether the account may attest candidates: allowed by vote, and an active node.
    function isAuthenticator(address account) external view returns (bool);

    /// @notice What is known about a node; status None and empty fields for a stranger.
    function node(address account) external view returns (Node memory);

    /// @notice How many nodes were ever entered or published, removed ones included.
    function nodeCount() external view returns (uint256);

    /// @notice A page of the nodes in the order in which they were first entered.
    /// @param offset Index of the first one.
    /// @param limit At most that many; the page is shorter at the end, and empty beyond it.
    function nodes(
        uint256 offset,
        uint256 limit
    ) external view returns (address[] memory accounts, Node[] memory infos);
}
