// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Where a channel stands.
enum ChannelStatus {
    None,
    Open,
    Closing,
    Settled
}

/// @notice What never changes about a channel; its id is the hash of it (see {IEvidenceChannels.channelIdOf}).
struct Channel {
    /// Who pays; what is left goes back to it.
    address requester;
    /// Who verifies evidence, and is paid for it.
    address verifier;
    /// ERC-20 token; zero for the chain's own coin.
    address token;
    /// What the channel was opened with.
    uint128 amount;
    /// How long a state that one side has handed in can be challenged.
    uint32 challengeSeconds;
    /// Tells two channels of the same kind between the same two apart.
    uint64 salt;
}

/// @notice What both sides have signed last: EIP-712 `State`, together with the channel's id.
struct State {
    /// Greater than that of the state before; below 2^40. 0 is the state that nobody has signed: all is the requester's.
    uint64 version;
    /// For people; the requester gets all that is not the verifier's.
    uint128 requesterBalance;
    uint128 verifierBalance;
    /// keccak256 of the open locks, 88 bytes each: key hash (32), evidence digest (32), amount (16), expiry (8). Zero for none.
    bytes32 locksHash;
    /// Root of the RFC 9162 tree over all evidence digests paid so far; its entries are the digests, 32 bytes each.
    bytes32 evidenceRoot;
    uint64 evidenceCount;
}

/// @notice What both sides sign to end the channel at once: EIP-712 `Close`, together with the channel's id.
struct Closing {
    uint128 requesterBalance;
    uint128 verifierBalance;
    bytes32 evidenceRoot;
    uint64 evidenceCount;
}

/// @notice Inclusion proof of a digest in the evidence tree of a channel.
struct EvidenceProof {
    bytes32 root;
    uint64 leafIndex;
    uint64 treeSize;
    bytes32[] path;
}

/// @title Evidence channels
/// @notice Payment channels whose payments carry evidence digests. Signed states stay off the chain; what settles is the money, and in
/// the same transaction the total digest, under which each single piece of evidence can be proved.
///
/// EIP-712, domain {name: "Notarium", version: "1", chainId, verifyingContract: this contract}:
/// `State(bytes32 channelId,uint64 version,uint128 requesterBalance,uint128 verifierBalance,bytes32 locksHash,bytes32 evidenceRoot,uint64 evidenceCount)` and
/// `Close(bytes32 channelId,uint128 requesterBalance,uint128 verifierBalance,bytes32 evidenceRoot,uint64 evidenceCount)`. Both sides' signatures
/// are 64 bytes each by EIP-2098, s in the lower half, the requester's first.
interface IEvidenceChannels {
    // ---------------------------------------------------------------- errors

    /// @notice The verifier's account cannot be zero, or the requester's own.
    error AccountInvalid(address account);

    /// @notice Nothing was to be paid in, or more than a channel holds (2^128 - 1 in all).
    error AmountInvalid(uint256 amount);

    /// @notice The balances are more than the channel holds.
    error BalancesExceed(uint256 have, uint256 want);

    /// @notice A challenge period is between these bounds, in seconds.
    error ChallengePeriodInvalid(uint256 have, uint256 least, uint256 most);

    /// @notice The state cannot be challenged any more: block time, and the last second in which it could.
    error ChallengeOver(uint256 have, uint256 want);

    /// @notice There is a channel with this id already.
    error ChannelExists(bytes32 channelId);

    /// @notice The channel is not in the status that this needs.
    error ChannelStatusMismatch(bytes32 channelId, ChannelStatus have);

    /// @notice There is nothing to withdraw.
    error CreditEmpty(address token, address account);

    /// @notice The channel has another digest for so many pieces of evidence: a digest is written once.
    error DigestWritten(bytes32 have, bytes32 want);

    /// @notice The state has no evidence to anchor.
    error EvidenceEmpty();

    /// @notice The frontier is not that of the evidence tree.
    error FrontierMismatch(bytes32 have, bytes32 want);

    /// @notice So much gas must be left when a payee is paid, that nobody can make a payment fail by too little of it.
    error GasMissing(uint256 have, uint256 want);

    /// @notice The channel holds something else than expected: somebody else was faster.
    error HeldMismatch(uint256 have, uint256 want);

    /// @notice The locks are not those of the state.
    error LocksMismatch(bytes32 have, bytes32 want);

    /// @notice Only one of the two sides may do this.
    error NotParty(address account);

    /// @notice What came in is not the amount: a token that takes a fee, or coins beside a token.
    error ReceivedMismatch(uint256 have, uint256 want);

    /// @notice The state can still be challenged: block time, and the last second in which it can.
    error SettlementEarly(uint256 have, uint256 want);

    /// @notice The signature is not by this account.
    error SignatureInvalid(address have, address want);

    /// @notice Both signatures together have 128 bytes; a state of version 0 has none.
    error SignaturesLength(uint256 have, uint256 want);

    /// @notice The s value of a signature is in the upper half of the curve order.
    error SignatureMalleable(bytes32 s);

    /// @notice The state is not the one that was handed in.
    error StateMismatch(bytes32 channelId);

    /// @notice The token did not move the amount, or is none.
    error TransferFailed(address token, uint256 amount);

    /// @notice The version is not greater than that of the state that was handed in, is beyond 2^40 - 1, or 0 with something to pay.
    error VersionInvalid(uint256 have, uint256 want);

    // ---------------------------------------------------------------- events

    /// @notice A channel was opened.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed requester,
        address indexed verifier,
        address token,
        uint128 amount,
        uint32 challengeSeconds,
        uint64 salt
    );

    /// @notice More was paid in; the channel holds so much now.
    event ChannelDeposited(bytes32 indexed channelId, uint256 held);

    /// @notice One side has handed a state in, or anybody a newer one. {settle} needs all of it.
    event ChannelClosing(bytes32 indexed channelId, uint256 deadline, bytes32 salt, State state);

    /// @notice The channel has ended; `evidenceRoot` is the total digest over so many digests.
    event ChannelSettled(
        bytes32 indexed channelId,
        bytes32 indexed evidenceRoot,
        uint64 evidenceCount,
        uint256 requesterPayout,
        uint256 verifierPayout
    );

    /// @notice A payee did not take its payout, and can withdraw it.
    event Credited(address indexed token, address indexed account, uint256 amount);

    /// @notice A credit was withdrawn.
    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    /// @notice The total digest over so many digests was anchored without closing.
    event EvidenceAnchored(bytes32 indexed channelId, bytes32 indexed evidenceRoot, uint64 evidenceCount);

    /// @notice A bill key is public from now on.
    event KeyRevealed(bytes32 indexed keyHash, bytes32 key);

    // ---------------------------------------------------------------- changes

    /// @notice Opens a channel of the sender's and pays the amount in.
    /// @dev Reverts with {AccountInvalid}, {AmountInvalid}, {ChallengePeriodInvalid}, {ChannelExists}, {ReceivedMismatch} or {TransferFailed}.
    /// @param challengeSeconds From 60 to 2,592,000 (30 days).
    function open(
        address verifier,
        address token,
        uint128 amount,
        uint32 challengeSeconds,
        uint64 salt
    ) external payable returns (bytes32 channelId);

    /// @notice Pays more in, for the requester. Anyone may.
    /// @dev Reverts with {ChannelStatusMismatch}, {HeldMismatch}, {AmountInvalid}, {ReceivedMismatch} or {TransferFailed}.
    /// @param expectedHeld What the channel holds before.
    function deposit(Channel calldata channel, uint128 amount, uint256 expectedHeld) external payable;

    /// @notice Ends a channel as both have signed, also while it is closing. Anyone may hand it in. The verifier gets its balance, the
    /// requester all else: also what was paid in since, and what the two balances do not speak of.
    /// @dev Reverts with {ChannelStatusMismatch}, {SignaturesLength}, {SignatureMalleable}, {SignatureInvalid}, {BalancesExceed} or
    /// {GasMissing}.
    function closeTogether(Channel calldata channel, Closing calldata closing, bytes calldata signatures) external;

    /// @notice Begins to end a channel by a state: it can be challenged from now on.
    /// @dev For the two sides only. Reverts with {NotParty}, {ChannelStatusMismatch}, {VersionInvalid} or as {closeTogether} for signatures.
    function startClosing(Channel calldata channel, State calldata state, bytes calldata signatures) external;

    /// @notice Replaces the state that was handed in by a newer one; the time stays. Anyone may.
    /// @dev Needs nothing of the older state, so that nobody can be kept from it by a state in between. Reverts with
    /// {ChannelStatusMismatch}, {ChallengeOver}, {VersionInvalid} or as {closeTogether} for signatures.
    function challenge(Channel calldata channel, State calldata state, bytes calldata signatures) external;

    /// @notice Makes bill keys public, with the time: all locks with their hashes are the verifier's then, in any channel, unless they have
    /// expired, or the time for challenges is over. Known ones keep their time. Anyone may.
    function reveal(bytes32[] calldata keys) external;

    /// @notice Pays out after the time for challenges. Anyone may, at any time after it. The verifier gets its balance and the locks
    /// whose keys were public in time, up to what the channel holds; the requester all else.
    /// @dev Reverts with {ChannelStatusMismatch}, {SettlementEarly}, {StateMismatch}, {LocksMismatch}, {FrontierMismatch} or {GasMissing}.
    /// @param state As it was handed in last.
    /// @param salt As {ChannelClosing} has it.
    /// @param locks The open locks of the state. The first 128 count: neither side may sign a state with more. From 365 days after the
    /// time for challenges on they can be left out, so that nothing stays here whatever both have signed; they are not paid then.
    /// @param frontier Roots of the perfect trees that make up the evidence tree, the largest first; only where a lock is paid.
    /// From 30 days after the time for challenges on it can be left out; the digests of paid locks are not in the total digest then.
    function settle(
        Channel calldata channel,
        State calldata state,
        bytes32 salt,
        bytes calldata locks,
        bytes32[] calldata frontier
    ) external;

    /// @notice Writes the total digest of a state down, without closing. Anyone may; the same again changes nothing.
    /// @dev Reverts with {ChannelStatusMismatch}, {EvidenceEmpty}, {DigestWritten} or as {closeTogether} for signatures.
    function anchorEvidence(Channel calldata channel, State calldata state, bytes calldata signatures) external;

    /// @notice Pays the sender out what it could not be sent.
    /// @dev Reverts with {CreditEmpty} or {TransferFailed}.
    function withdraw(address token, address to) external;

    // ---------------------------------------------------------------- views

    /// @notice Whether a digest is in the evidence of a channel, by a total digest on chain.
    function verifyEvidence(
        bytes32 channelId,
        bytes32 digest,
        EvidenceProof calldata proof
    ) external view returns (bool);

    /// @notice The id of a channel: keccak256 of chain id, this contract and the channel, ABI-encoded.
    function channelIdOf(Channel calldata channel) external view returns (bytes32);

    /// @notice What is known of a channel by its id: its status, and while it is closing, time and version of the state.
    function statusOf(
        bytes32 channelId
    ) external view returns (ChannelStatus status, uint256 deadline, uint256 version);

    /// @notice What a channel holds.
    function heldOf(Channel calldata channel) external view returns (uint256);

    /// @notice When the key of a hash was revealed, Unix seconds; 0 if it was not.
    function revealedAt(bytes32 keyHash) external view returns (uint256);

    /// @notice The total digest that was anchored for so many pieces of evidence without closing; zero for none.
    function anchoredEvidence(bytes32 channelId, uint64 evidenceCount) external view returns (bytes32);

    /// @notice What a payee can withdraw.
    function creditOf(address token, address account) external view returns (uint256);

    /// @notice What both sides sign for a state.
    function hashState(bytes32 channelId, State calldata state) external view returns (bytes32);

    /// @notice What both sides sign to close together.
    function hashClose(bytes32 channelId, Closing calldata closing) external view returns (bytes32);
}
