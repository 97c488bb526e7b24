// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What an authenticator attests about a candidate, whose information is in it as a hash.
struct Application {
    /// EIP-712 hash of `Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)`.
    bytes32 entryHash;
    /// Hash of the protocol manifest that the candidate proved to hold.
    bytes32 manifestHash;
    /// SHA-256 of the candidate's profile: what was measured and what it reports.
    bytes32 profileDigest;
    uint32 score;
    /// The last second in which the candidate can apply with it, and be admitted.
    uint48 expiry;
    /// `appliedAt` of the candidate: so an attestation serves once.
    uint48 nonce;
}

/// @notice What candidates must fulfil. The registry itself checks the first four; authenticators measure the others.
struct AdmissionRules {
    /// Hash of the protocol manifest.
    bytes32 manifestHash;
    /// How many authenticators must attest; with 0 nobody can apply, and nodes are entered by vote alone.
    uint8 attestations;
    /// From one application of a candidate to the next.
    uint24 reapplySeconds;
    uint32 minScore;
    /// How long after its application a centre is to be authenticated again.
    uint32 renewSeconds;
    /// Sequential SHA-256, each of the one before, a second.
    uint32 minHashesPerSecond;
    /// Memory that scrypt takes at once, and how often a minute it must be done.
    uint32 memoryMiB;
    uint32 minMemoryPassesPerMinute;
    /// Written and forced to disk, and read back.
    uint32 minWrittenMiBPerSecond;
    uint32 minReadMiBPerSecond;
}
