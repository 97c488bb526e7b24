// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Header } from "./Header.sol";

/// @notice Where a node stands on its way through the consortium.
/// @dev None -> Candidate -> Active <-> Suspended; Candidate, Active and Suspended -> Removed; Removed -> Candidate.
enum NodeStatus {
    None,
    Candidate,
    Active,
    Suspended,
    Removed
}

/// @notice The public information of a node, as it is handed in.
struct NodeEntry {
    /// The node's secp256k1 address: it signs blocks with it, and its libp2p peer id is derived from it.
    address account;
    /// What people call it, at most 64 bytes of UTF-8.
    string name;
    /// Where its API is reached, a URL of at most 256 bytes.
    string endpoint;
    /// X25519 public key for private activities.
    bytes32 encryptionKey;
    /// Ed25519 public key of its C2SP signed notes (checkpoints).
    bytes32 noteKey;
}

/// @notice What the registry keeps about a node.
struct Node {
    NodeStatus status;
    /// Committee epoch with which it became active the last time; zero if it never was.
    uint64 activeSince;
    string name;
    string endpoint;
    bytes32 encryptionKey;
    bytes32 noteKey;
}

/// @title The nodes of the consortium and its committee
/// @notice The committee is the ordered set of active nodes (centres). It has an epoch, which grows by one at every
/// change. All centres have equal rights: the order decides only whose turn it is to publish.
/// @custom:later The attested application of candidates comes with its own issue: it will call what `enroll` does.
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

    /// @notice A committee has at least one member.
    error CommitteeEmpty();

    /// @notice A committee has at most 256 members, the width of the signer bitmap.
    error CommitteeFull(uint256 have, uint256 want);

    /// @notice The committee's blob could not be created where its epoch says (zero: not created at all).
    error CommitteeMisplaced(address have, address want);

    /// @notice The same account appears twice in the genesis committee.
    error DuplicateNode(address account);

    /// @notice There was no such epoch yet; epochs start at 1.
    error EpochUnknown(uint64 have, uint64 want);

    /// @notice Both blocks are of epochs before the node became active the last time: the greater of the two, and the
    /// least that counts. What it did before, the governor has judged.
    error EvidenceStale(uint64 have, uint64 want);

    /// @notice The governor is set once and for ever.
    error GovernorAlreadySet(address have, address want);

    /// @notice The last active node can be neither suspended nor removed: nobody could publish any more.
    error LastActiveNode(address account);

    /// @notice No node has this account, or it was removed.
    error NodeUnknown(address account);

    /// @notice Only the account that deployed the registry may do this.
    error NotDeployer(address have, address want);

    /// @notice Only the governor may do this.
    error NotGovernor(address have, address want);

    /// @notice The two headers are the same block: signing that twice is no offence.
    error SameBlock(bytes32 blockHash);

    /// @notice Nobody made this signature over this block.
    error SignatureInvalid(bytes32 blockHash);

    /// @notice A signature has 65 bytes, or 64 by EIP-2098.
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

    /// @notice The anchor was set.
    event AnchorSet(address indexed anchor);

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

    /// @notice A node became a candidate.
    event NodeEnrolled(address indexed account, string name, string endpoint, bytes32 encryptionKey, bytes32 noteKey);

    /// @notice A node left for good; it may only come back as a new candidate.
    event NodeRemoved(address indexed account);

    /// @notice A node left the committee for the time being.
    event NodeSuspended(address indexed account);

    /// @notice The public information of a node changed.
    event NodeUpdated(address indexed account, string name, string endpoint, bytes32 encryptionKey, bytes32 noteKey);

    // ---------------------------------------------------------------- changes

    /// @notice Makes a candidate, or a suspended node, a member of the committee (at its end).
    /// @dev Governor only. Reverts with {TransitionRefused} or {CommitteeFull}.
    function activate(address account) external;

    /// @notice Enters a new node, or a removed one again, as a candidate.
    /// @dev Governor only. Reverts with {AccountZero}, {TextTooLong} or {TransitionRefused}.
    function enroll(NodeEntry calldata entry) external;

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

    /// @notice Replaces the public information of a node.
    /// @dev Governor only. Reverts with {NodeUnknown} or {TextTooLong}.
    function update(NodeEntry calldata entry) external;

    // ---------------------------------------------------------------- views

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

    /// @notice The current committee, as Hyperledger Besu's QBFT validator contract must answer.
    /// @dev Never reverts and is never empty.
    function getValidators() external view returns (address[] memory validators);

    /// @notice Who may change the committee; zero until set.
    function governor() external view returns (address);

    /// @notice Whether the account is a member of the current committee.
    function isActive(address account) external view returns (bool);

    /// @notice Whether the account may attest candidates: allowed by vote, and an active node.
    function isAuthenticator(address account) external view returns (bool);

    /// @notice What is known about a node; status None and empty fields for a stranger.
    function node(address account) external view returns (Node memory);

    /// @notice How many nodes were ever entered, removed ones included.
    function nodeCount() external view returns (uint256);

    /// @notice A page of the nodes in the order in which they were first entered.
    /// @param offset Index of the first one.
    /// @param limit At most that many; the page is shorter at the end, and empty beyond it.
    function nodes(
        uint256 offset,
        uint256 limit
    ) external view returns (address[] memory accounts, Node[] memory infos);
}
