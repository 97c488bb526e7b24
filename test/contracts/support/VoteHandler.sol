// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {
    Aggregation,
    Draft,
    IConsortiumGovernor,
    Kind,
    Rule,
    SignedVote
} from "../../../contracts/interfaces/IConsortiumGovernor.sol";
import { INodeRegistry, NodeEntry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IResourceRegistry } from "../../../contracts/interfaces/IResourceRegistry.sol";
import { Deploy } from "./Deploy.sol";
import { vm } from "./Vm.sol";

/// @notice Proposes, votes in every way, executes and lets time pass, in any order, while the committee changes by what
/// was passed. It keeps its own books of who voted what, which the invariants compare with the contract.
contract VoteHandler {
    uint256 private constant PEOPLE = 7;

    INodeRegistry public registry;
    IConsortiumGovernor public governor;

    uint256[] public ids;
    mapping(uint256 id => address[] members) private electors;
    mapping(uint256 id => mapping(address account => uint256 support)) public votes;
    mapping(uint256 id => uint256 times) public executions;
    mapping(uint256 id => Draft draft) private drafts;
    mapping(uint256 id => address proposer) private proposers;
    mapping(address account => uint256 key) private keys;
    uint256 private contents;
    uint256 private time = 1_000_000;

    constructor() {
        NodeEntry[] memory genesis = new NodeEntry[](4);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            keys[vm.addr(i + 1)] = i + 1;
            if (i < genesis.length) genesis[i] = NodeEntry(vm.addr(i + 1), "Centre", "", 0, 0);
        }
        registry = Deploy.nodeRegistry(genesis);
        IResourceRegistry resources = Deploy.resourceRegistry(registry);
        Rule[7] memory rules;
        for (uint256 i = 0; i < 7; ++i) rules[i] = Rule(Aggregation(i % 4), uint16(2_500 * (i % 5)), 0, 1_000);
        governor = Deploy.governor(registry, resources, rules);
        registry.setGovernor(address(governor));
        resources.setGovernor(governor);
        vm.warp(time);
    }

    // ---------------------------------------------------------------- acts

    function propose(uint256 who, uint8 what, uint256 about) external {
        (uint64 epoch, address[] memory members) = registry.committee();
        uint256 place = who % members.length;
        address account = vm.addr(1 + (about % PEOPLE));
        Draft memory draft;
        draft.contentHash = bytes32(++contents);
        draft.validUntil = type(uint48).max;
        draft.calls = new bytes[](what % 4 == 3 ? 0 : 1);
        if (what % 4 == 0) {
            draft.kind = Kind.Admission;
            draft.calls = new bytes[](2);
            draft.calls[0] = abi.encodeCall(INodeRegistry.enroll, (NodeEntry(account, "Centre", "", 0, 0)));
            draft.calls[1] = abi.encodeCall(INodeRegistry.activate, (account));
        } else if (what % 4 == 1) {
            draft.kind = Kind.Suspension;
            draft.calls[0] = abi.encodeCall(INodeRegistry.suspend, (account));
        } else if (what % 4 == 2) {
            draft.kind = Kind.Removal;
            draft.calls[0] = abi.encodeCall(INodeRegistry.remove, (account));
        } else {
            draft.kind = Kind.General;
        }
        (uint256 id, ) = governor.describe(draft, members[place]);
        bytes memory signature = sign(
            members[place],
            keccak256(
                abi.encode(
                    keccak256("Proposal(uint256 proposalId,uint8 kind,bytes32 contentHash,uint48 validUntil)"),
                    id,
                    draft.kind,
                    draft.contentHash,
                    draft.validUntil
                )
            )
        );
        governor.propose(draft, epoch, uint8(place), signature);
        ids.push(id);
        electors[id] = members;
        drafts[id] = draft;
        proposers[id] = members[place];
    }

    /// @dev By transaction where it can be, with the refusal asserted where it cannot.
    function vote(uint256 which, uint256 who, uint8 support) external {
        if (ids.length == 0) return;
        uint256 id = ids[which % ids.length];
        address voter = electors[id][who % electors[id].length];
        bool isOpen = governor.state(id) == IGovernor.ProposalState.Active;
        vm.prank(voter);
        try governor.castVote(id, support % 4) {
            require(isOpen && votes[id][voter] == 0 && support % 4 < 3, "a wrong vote was taken");
            votes[id][voter] = 1 + (support % 4);
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            if (!isOpen) require(why == IGovernor.GovernorUnexpectedProposalState.selector, "not for being closed");
            else if (votes[id][voter] != 0) require(why == IGovernor.GovernorAlreadyCastVote.selector, "not for twice");
            else require(support % 4 == 3 && why == IGovernor.GovernorInvalidVoteType.selector, "a vote was refused");
        }
    }

    /// @dev Everybody of a mask, in one batch, some of whom may have voted before.
    function voteMany(uint256 which, uint256 mask, uint256 choices) external {
        if (ids.length == 0) return;
        uint256 id = ids[which % ids.length];
        if (governor.state(id) != IGovernor.ProposalState.Active) return;
        bytes memory compact;
        uint256 fresh = 0;
        for (uint256 i = 0; i < electors[id].length; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            uint8 support = uint8((choices >> (8 * i)) % 3);
            address voter = electors[id][i];
            bytes32 typehash = keccak256("Ballot(uint256 proposalId,uint8 support,address voter)");
            bytes memory signature = sign(voter, keccak256(abi.encode(typehash, id, support, voter)));
            compact = abi.encodePacked(compact, uint8(i), support, signature);
            if (votes[id][voter] != 0) continue;
            votes[id][voter] = 1 + support;
            ++fresh;
        }
        require(governor.castVotesBySig(id, compact, new SignedVote[](0)) == fresh, "counted");
    }

    function execute(uint256 which) external {
        if (ids.length == 0) return;
        uint256 id = ids[which % ids.length];
        IGovernor.ProposalState before = governor.state(id);
        Draft memory draft = drafts[id];
        address[] memory targets = new address[](draft.calls.length);
        for (uint256 i = 0; i < targets.length; ++i) targets[i] = address(registry);
        (, string memory description) = governor.describe(draft, proposers[id]);
        bytes32 hash = keccak256(bytes(description));
        try governor.execute(targets, new uint256[](targets.length), draft.calls, hash) {
            require(before == IGovernor.ProposalState.Succeeded, "executed without having passed");
            ++executions[id];
        } catch (bytes memory reason) {
            // What has passed may be impossible by now; then it has not been executed.
            if (before == IGovernor.ProposalState.Succeeded) require(draft.calls.length != 0, "general never fails");
            else require(bytes4(reason) == IGovernor.GovernorUnexpectedProposalState.selector, "another reason");
            require(governor.state(id) == before, "half executed");
        }
    }

    function pass(uint16 some) external {
        time += some % 600;
        vm.warp(time);
    }

    // ---------------------------------------------------------------- books

    function count() external view returns (uint256) {
        return ids.length;
    }

    function electorsOf(uint256 id) external view returns (address[] memory) {
        return electors[id];
    }

    function sign(address account, bytes32 structHash) private view returns (bytes memory) {
        IERC5267 signed = IERC5267(address(governor));
        (, string memory name, string memory version, uint256 chainId, address verifying, , ) = signed.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                verifying
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        (bytes32 r, bytes32 vs) = vm.signCompact(keys[account], digest);
        return abi.encodePacked(r, vs);
    }
}
