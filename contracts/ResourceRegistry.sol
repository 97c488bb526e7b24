// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { IConsortiumGovernor } from "./interfaces/IConsortiumGovernor.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { IResourceRegistry, Report, SignedReport, Version, VersionState } from "./interfaces/IResourceRegistry.sol";
import { CommitteeBlob } from "./libraries/CommitteeBlob.sol";
import { MemberSignatures } from "./libraries/MemberSignatures.sol";

/// @title ResourceRegistry
/// @notice See {IResourceRegistry}. A report costs one slot of its node; the counts stand beside the version's state.
contract ResourceRegistry is IResourceRegistry, EIP712 {
    using CommitteeBlob for address;
    using CommitteeBlob for bytes;
    using MemberSignatures for address;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "Report(bytes32 resourceSet,uint64 version,uint64 sequence,bytes32 actualHash,bytes32 recordId,address reporter)"
    );

    uint256 private constant MAX_URI_BYTES = 512;

    /// @dev One slot.
    struct Heads {
        uint64 count;
        uint64 head;
        uint64 inForce;
    }

    /// @dev One slot; sequence 0 is none.
    struct Verdict {
        uint64 sequence;
        bool matches;
    }

    /// @inheritdoc IResourceRegistry
    address public immutable deployer;

    /// @inheritdoc IResourceRegistry
    INodeRegistry public immutable registry;

    /// @inheritdoc IResourceRegistry
    IConsortiumGovernor public governor;

    mapping(bytes32 resourceSet => Heads) private _heads;
    mapping(bytes32 resourceSet => mapping(uint64 version => Version kept)) private _versions;
    mapping(bytes32 resourceSet => mapping(uint64 version => mapping(address reporter => Verdict))) private _verdicts;

    constructor(INodeRegistry registry_) EIP712("Notarium", "1") {
        if (address(registry_).code.length == 0) revert RegistryMissing(address(registry_));
        deployer = msg.sender;
        registry = registry_;
    }

    // ---------------------------------------------------------------- the deployer's act

    /// @inheritdoc IResourceRegistry
    function setGovernor(IConsortiumGovernor newGovernor) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender, deployer);
        if (address(governor) != address(0)) revert GovernorAlreadySet(address(governor), address(newGovernor));
        if (address(newGovernor) == address(0)) revert AccountZero();
        governor = newGovernor;
        emit GovernorSet(address(newGovernor));
    }

    // ---------------------------------------------------------------- the governor's act

    /// @inheritdoc IResourceRegistry
    function addVersion(
        bytes32 resourceSet,
        uint64 base,
        bytes32 configurationHash,
        string calldata uri
    ) external returns (uint64 version) {
        if (msg.sender != address(governor)) revert NotGovernor(msg.sender, address(governor));
        Heads memory heads = _heads[resourceSet];
        if (base != heads.head) revert BaseOutdated(resourceSet, base, heads.head);
        if (configurationHash == 0) revert ConfigurationHashZero();
        if (bytes(uri).length > MAX_URI_BYTES) revert UriTooLong(bytes(uri).length, MAX_URI_BYTES);
        uint256 proposalId = governor.executing();
        (uint64 epoch, ) = registry.committeePointer();
        version = heads.count + 1;
        heads.count = version;
        heads.head = version;
        _heads[resourceSet] = heads;
        _versions[resourceSet][version] = Version({
            state: VersionState.Passed,
            parent: base,
            epoch: epoch,
            passedAt: uint48(block.timestamp),
            matching: 0,
            differing: 0,
            configurationHash: configurationHash,
            proposalId: proposalId,
            uri: uri
        });
        emit VersionAdded(resourceSet, version, proposalId, base, epoch, configurationHash, uri);
    }

    // ---------------------------------------------------------------- the nodes' reports

    /// @inheritdoc IResourceRegistry
    function submitReport(Report calldata report) external {
        bytes memory members = _membersOf(report);
        if (members.indexOf(msg.sender) == members.count()) {
            revert NotReporter(msg.sender, _versions[report.resourceSet][report.version].epoch);
        }
        uint64 last = _verdicts[report.resourceSet][report.version][msg.sender].sequence;
        if (report.sequence <= last) revert ReportStale(report.sequence, last + 1);
        _count(report, msg.sender, members.count());
    }

    /// @inheritdoc IResourceRegistry
    function submitReportsBySig(SignedReport[] calldata reports) external returns (uint256 counted) {
        for (uint256 i = 0; i < reports.length; ++i) {
            Report calldata report = reports[i].report;
            bytes memory members = _membersOf(report);
            uint256 place = reports[i].reporter;
            if (place >= members.count()) revert PlaceUnknown(place, members.count());
            address reporter = members.memberAt(place);
            if (report.sequence <= _verdicts[report.resourceSet][report.version][reporter].sequence) continue;
            if (!reporter.isSignedBy(_digestOf(report, reporter), reports[i].signature)) {
                revert SignatureInvalid(reporter);
            }
            _count(report, reporter, members.count());
            ++counted;
        }
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IResourceRegistry
    function head(bytes32 resourceSet) external view returns (uint64) {
        return _heads[resourceSet].head;
    }

    /// @inheritdoc IResourceRegistry
    function inForce(bytes32 resourceSet) external view returns (uint64) {
        return _heads[resourceSet].inForce;
    }

    /// @inheritdoc IResourceRegistry
    function reportOf(bytes32 resourceSet, uint64 version, address reporter) external view returns (uint64, bool) {
        Verdict memory verdict = _verdicts[resourceSet][version][reporter];
        return (verdict.sequence, verdict.matches);
    }

    /// @inheritdoc IResourceRegistry
    function versionAt(bytes32 resourceSet, uint64 version) external view returns (Version memory kept) {
        kept = _versions[resourceSet][version];
        if (kept.state == VersionState.None) revert VersionUnknown(resourceSet, version);
    }

    /// @inheritdoc IResourceRegistry
    function versionCount(bytes32 resourceSet) external view returns (uint64) {
        return _heads[resourceSet].count;
    }

    // ---------------------------------------------------------------- counting

    /// @dev The node's report before, if any, no longer counts.
    function _count(Report calldata report, address reporter, uint256 size) private {
        Version storage kept = _versions[report.resourceSet][report.version];
        Verdict storage verdict = _verdicts[report.resourceSet][report.version][reporter];
        if (verdict.sequence != 0) {
            if (verdict.matches) --kept.matching;
            else --kept.differing;
        }
        bool matches = report.actualHash == kept.configurationHash;
        if (matches) ++kept.matching;
        else ++kept.differing;
        verdict.sequence = report.sequence;
        verdict.matches = matches;
        emit Reported(
            report.resourceSet,
            report.version,
            reporter,
            matches,
            report.sequence,
            report.actualHash,
            report.recordId
        );
        _advance(report.resourceSet, report.version, (2 * size) / 3 + 1);
    }

    /// @dev Drift after the decision shows in the counts; the decision stays.
    function _advance(bytes32 resourceSet, uint64 version, uint256 quorum) private {
        Version storage kept = _versions[resourceSet][version];
        VersionState state = kept.state;
        if (state == VersionState.Verified || state == VersionState.Failed) return;
        VersionState next = state;
        if (kept.matching >= quorum) next = VersionState.Verified;
        else if (kept.differing >= quorum) next = VersionState.Failed;
        else if (kept.matching != 0) next = VersionState.Applied;
        if (next == state) return;
        kept.state = next;
        emit VersionStateChanged(resourceSet, version, next);
        Heads storage heads = _heads[resourceSet];
        // An older version that is verified late does not take the place of a newer one.
        if (next == VersionState.Verified && version > heads.inForce) heads.inForce = version;
        if (next == VersionState.Failed && version == heads.head) heads.head = _lastStanding(resourceSet, version);
    }

    /// @dev Back over versions that failed while they were not the newest; each of them took a vote.
    function _lastStanding(bytes32 resourceSet, uint64 version) private view returns (uint64) {
        while (_versions[resourceSet][version].state == VersionState.Failed) {
            version = _versions[resourceSet][version].parent;
        }
        return version;
    }

    // ---------------------------------------------------------------- helpers

    function _membersOf(Report calldata report) private view returns (bytes memory) {
        Version storage kept = _versions[report.resourceSet][report.version];
        if (kept.state == VersionState.None) revert VersionUnknown(report.resourceSet, report.version);
        return CommitteeBlob.addressOf(address(registry), kept.epoch).load();
    }

    function _digestOf(Report calldata report, address reporter) private view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        REPORT_TYPEHASH,
                        report.resourceSet,
                        report.version,
                        report.sequence,
                        report.actualHash,
                        report.recordId,
                        reporter
                    )
                )
            );
    }
}
