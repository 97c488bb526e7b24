// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Where a node stands on its way through the consortium.
/// @dev None -> Candidate -> Active <-> Suspended; Candidate, Active and Suspended -> Removed; Removed -> Candidate; each of
/// them -> Banned -> Removed.
enum NodeStatus {
    None,
    Candidate,
    Active,
    Suspended,
    Removed,
    Banned
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
    /// Allowed by vote to challenge candidates and attest their results.
    bool isAuthenticator;
    /// Committee epoch with which it became active the last time; zero if it never was.
    uint64 activeSince;
    /// Unix time of its last application; zero if it never applied.
    uint48 appliedAt;
    /// What it applied with the last time (see {INodeRegistry.hashApplication}); zero if there is none, or no longer.
    bytes20 application;
    /// The application whose information is published; admitted is only who has published its last one.
    bytes20 published;
    /// The last second in which the published application can be admitted.
    uint48 expiry;
    /// Of the published application: what the authenticators measured, and the digest of the candidate's profile.
    uint32 score;
    bytes32 profileDigest;
    string name;
    string endpoint;
    bytes32 encryptionKey;
    bytes32 noteKey;
}
