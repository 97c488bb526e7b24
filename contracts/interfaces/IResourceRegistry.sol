// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IConsortiumGovernor } from "./IConsortiumGovernor.sol";
import { INodeRegistry } from "./INodeRegistry.sol";

/// @notice Where a version of a configuration stands.
/// @dev None -> Passed -> Applied -> Verified or Failed; Passed -> Verified or Failed. Verified and Failed are final.
enum VersionState {
    None,
    /// The vote made it; nobody has reported it right yet.
    Passed,
    /// At least one node has reported it right.
    Applied,
    /// A quorum reported it right.
    Verified,
    /// A quorum reported something else.
    Failed
}

/// @notice A version of a resource set's configuration.
struct Version {
    VersionState state;
    /// The version that it was made from; zero for the first.
    uint64 parent;
    /// The nodes that report are the committee of this epoch.
    uint64 epoch;
    uint48 passedAt;
    /// Nodes whose latest report says right, and something else.
    uint16 matching;
    uint16 differing;
    /// SHA-256 of the canonical configuration.
    bytes32 configurationHash;
    uint256 proposalId;
    /// Where the configuration can be fetched.
    string uri;
}

/// @notice What a node found when it read its configuration back.
struct Report {
    bytes32 resourceSet;
    uint64 version;
    /// Greater than that of the node's report before on this version.
    uint64 sequence;
    /// SHA-256 of the canonical configuration that is really there; it is right when it equals the version's.
    bytes32 actualHash;
    /// Record id of the full report in the log; zero where there is none.
    bytes32 recordId;
}

/// @notice A report with the signature of its node.
struct SignedReport {
    Report report;
    /// Place in the committee of the version's epoch.
    uint8 reporter;
    /// 65 bytes, 64 by EIP-2098, or whatever the wallet at the reporter's address takes (ERC-1271).
    bytes signature;
}

/// @title The configurations that the consortium shares
/// @notice Versions of each resource set, made by passed proposals only, each on top of the one before; and what the nodes
/// report on them. A version is in force when a quorum, floor(2m/3)+1 of the committee at the time it was made, reports it
/// right. When a quorum reports something else it has failed, and the version before stays in force.
///
/// EIP-712, domain {name: "Notarium", version: "1", chainId, verifyingContract: this contract}:
/// `Report(bytes32 resourceSet,uint64 version,uint64 sequence,bytes32 actualHash,bytes32 recordId,address reporter)`.
interface IResourceRegistry {
    // ---------------------------------------------------------------- errors

    /// @notice The zero address cannot be the governor.
    error AccountZero();

    /// @notice A version must follow the newest one that has not failed.
    error BaseOutdated(bytes32 resourceSet, uint64 have, uint64 want);

    /// @notice A configuration has a hash.
    error ConfigurationHashZero();

    /// @notice The governor is set once and for ever.
    error GovernorAlreadySet(address have, address want);

    /// @notice Only the account that deployed the registry may do this.
    error NotDeployer(address have, address want);

    /// @notice Only the governor may do this, while it executes a proposal.
    error NotGovernor(address have, address want);

    /// @notice The account was not in the committee when the version was made.
    error NotReporter(address account, uint64 epoch);

    /// @notice There is no member at this place.
    error PlaceUnknown(uint256 have, uint256 size);

    /// @notice There is no contract at this address.
    error RegistryMissing(address registry);

    /// @notice The node has already reported with this sequence or a greater one.
    error ReportStale(uint64 have, uint64 want);

    /// @notice The signature is not the reporter's.
    error SignatureInvalid(address reporter);

    /// @notice A URI has at most 512 bytes.
    error UriTooLong(uint256 have, uint256 want);

    /// @notice The resource set has no such version.
    error VersionUnknown(bytes32 resourceSet, uint64 version);

    // ---------------------------------------------------------------- events

    /// @notice The governor was set.
    event GovernorSet(address indexed governor);

    /// @notice A node reported on a version; its latest report counts.
    event Reported(
        bytes32 indexed resourceSet,
        uint64 indexed version,
        address indexed reporter,
        bool matches,
        uint64 sequence,
        bytes32 actualHash,
        bytes32 recordId
    );

    /// @notice A passed proposal made a version.
    event VersionAdded(
        bytes32 indexed resourceSet,
        uint64 indexed version,
        uint256 indexed proposalId,
        uint64 parent,
        uint64 epoch,
        bytes32 configurationHash,
        string uri
    );

    /// @notice A version went on to another state.
    event VersionStateChanged(bytes32 indexed resourceSet, uint64 indexed version, VersionState state);

    // ---------------------------------------------------------------- changes

    /// @notice Makes the next version of a resource set; the first has base 0.
    /// @dev Governor only, while it executes a proposal. Reverts with {NotGovernor}, {BaseOutdated},
    /// {ConfigurationHashZero} or {UriTooLong}.
    /// @param base The newest version that has not failed; zero where there is none.
    /// @return version The new version's number; numbers of failed versions are not used again.
    function addVersion(
        bytes32 resourceSet,
        uint64 base,
        bytes32 configurationHash,
        string calldata uri
    ) external returns (uint64 version);

    /// @notice A node's own report.
    /// @dev Reverts with {VersionUnknown}, {NotReporter} or {ReportStale}.
    function submitReport(Report calldata report) external;

    /// @notice Takes collected reports. Anyone may hand them in.
    /// @dev Reports that are there already, or older than that, are passed over. Reverts with {VersionUnknown},
    /// {PlaceUnknown} or {SignatureInvalid}.
    /// @return counted How many reports were new.
    function submitReportsBySig(SignedReport[] calldata reports) external returns (uint256 counted);

    /// @notice Hands the registry to its governor, once.
    /// @dev Deployer only. Reverts with {NotDeployer}, {AccountZero} or {GovernorAlreadySet}.
    function setGovernor(IConsortiumGovernor newGovernor) external;

    // ---------------------------------------------------------------- views

    /// @notice The account that deployed the registry and may set the governor once.
    function deployer() external view returns (address);

    /// @notice Who makes versions; zero until set.
    function governor() external view returns (IConsortiumGovernor);

    /// @notice The newest version that has not failed, which the next one must follow; zero where there is none.
    function head(bytes32 resourceSet) external view returns (uint64 version);

    /// @notice The version in force: the newest verified one; zero where there is none.
    function inForce(bytes32 resourceSet) external view returns (uint64 version);

    /// @notice The registry whose committee reports.
    function registry() external view returns (INodeRegistry);

    /// @notice A node's latest report on a version; sequence 0 and false where there is none.
    function reportOf(
        bytes32 resourceSet,
        uint64 version,
        address reporter
    ) external view returns (uint64 sequence, bool matches);

    /// @notice A version of a resource set.
    /// @dev Reverts with {VersionUnknown}.
    function versionAt(bytes32 resourceSet, uint64 version) external view returns (Version memory);

    /// @notice How many versions a resource set ever had.
    function versionCount(bytes32 resourceSet) external view returns (uint64);
}
