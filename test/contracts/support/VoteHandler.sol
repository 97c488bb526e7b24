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
    SignedVote,
    Weight
} from "../../../contracts/interfaces/IConsortiumGovernor.sol";
import { INodeRegistry, NodeEntry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IResourceRegistry } from "../../../contracts/interfaces/IResourceRegistry.sol";
import { Deploy } from "./Deploy.sol";
import { vm } from "./Vm.sol";

/// @notice Proposes, votes in every way, takes back, executes and lets time pass, in any order, while committee, weights and
/// a resource set change by what was passed. It keeps its own books of who voted what, which the invariants compare with
/// the contracts.
contract VoteHandler {
    uint256 private constant PEOPLE = 7;
    bytes32 public constant RESOURCE_SET = keccak256("radio");

    INodeRegistry public registry;
    IResourceRegistry public resources;
    IConsortiumGovernor public governor;

    uint256[] public ids;
    mapping(uint256 id => address[] members) private electors;
    mapping(uint256 id => mapping(address account => uint256 support)) public votes;
    mapping(uint256 id => uint256 times) public executions;
    mapping(uint256 id => bool isCanceled) public canceled;
    /// Executed resource proposals, in order.
    uint256[] public versions;
    /// Of each elector at the moment of the proposal.
    mapping(uint256 id => mapping(address account => uint256 weight)) public weightOf;
    mapping(address account => uint16 weight) private weights;
    mapping(uint256 id => Draft draft) private drafts;
    mapping(uint256 id => address proposer) private proposers;
    mapping(address account => uint256 key) private keys;
    uint256 private contents;
    uint256 private time = 1_000_000;

    constructor() {
        NodeEntry[] memory genesis = new NodeEntry[](4);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            keys[vm.addr(i + 1)] = i + 1;
            weights[vm.addr(i + 1)] = 1;
            if (i < genesis.length) genesis[i] = NodeEntry(vm.addr(i + 1), "Centre", "", 0, 0);
        }
        registry = Deploy.nodeRegistry(genesis);
        resources = Deploy.resourceRegistry(registry);
        Rule[7] memory rules;
        for (uint256 i = 0; i < 7; ++i) rules[i] = Rule(Aggregation(i % 4), uint16(2_500 * (i % 5)), 0, 1_000);
        // Weighted, and one that can be taken back for a while.
        rules[uint256(Kind.Resource)] = Rule(Aggregation.Weighted, 2_500, 0, 1_000);
        rules[uint256(Kind.General)].delaySeconds = 300;
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
        Draft memory draft = draftOf(what % 6, account);
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
        for (uint256 i = 0; i < members.length; ++i) {
            weightOf[id][members[i]] = draft.kind == Kind.Resource ? weights[members[i]] : 1;
        }
    }

    /// @dev By the proposer or by somebody else of the electorate.
    function cancel(uint256 which, uint256 who) external {
        if (ids.length == 0) return;
        uint256 id = ids[which % ids.length];
        address account = who % 2 == 0 ? proposers[id] : electors[id][who % electors[id].length];
        bool isPending = governor.state(id) == IGovernor.ProposalState.Pending;
        (address[] memory targets, bytes[] memory calls, bytes32 description) = argumentsOf(id);
        vm.prank(account);
        try governor.cancel(targets, new uint256[](targets.length), calls, description) {
            require(isPending && account == proposers[id], "taken back by another, or late");
            canceled[id] = true;
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            if (!isPending) require(why == IGovernor.GovernorUnexpectedProposalState.selector, "not for being late");
            else require(account != proposers[id] && why == IGovernor.GovernorUnableToCancel.selector, "a proposer");
        }
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
        Kind kind = drafts[id].kind;
        (address[] memory targets, bytes[] memory calls, bytes32 description) = argumentsOf(id);
        uint64 head = resources.head(RESOURCE_SET);
        try governor.execute(targets, new uint256[](targets.length), calls, description) {
            require(before == IGovernor.ProposalState.Succeeded, "executed without having passed");
            ++executions[id];
            if (kind == Kind.Parameter) {
                for (uint256 i = 0; i < PEOPLE; ++i) {
                    weights[vm.addr(i + 1)] = proposedWeight(uint256(drafts[id].contentHash), i);
                }
            }
            if (kind == Kind.Resource) versions.push(id);
        } catch (bytes memory reason) {
            // What has passed may be impossible by now; then it has not been executed.
            if (before == IGovernor.ProposalState.Succeeded) {
                require(kind != Kind.General && kind != Kind.Parameter, "these never fail");
                if (kind == Kind.Resource) {
                    bytes memory want = abi.encodeWithSelector(
                        IResourceRegistry.BaseOutdated.selector,
                        RESOURCE_SET,
                        baseOf(calls[0]),
                        head
                    );
                    require(keccak256(reason) == keccak256(want) && baseOf(calls[0]) != head, "on the head it is added");
                }
            } else require(bytes4(reason) == IGovernor.GovernorUnexpectedProposalState.selector, "another reason");
            require(governor.state(id) == before, "half executed");
        }
    }

    /// @dev All in favour, and executed: acts at random seldom come so far.
    function agree(uint256 which) external {
        // Each byte's share of it is 1 modulo 3.
        this.voteMany(which, type(uint256).max, 1 << 248);
        this.execute(which);
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

    function versionsPassed() external view returns (uint256) {
        return versions.length;
    }

    function draftOf(uint8 what, address account) private returns (Draft memory draft) {
        draft.contentHash = bytes32(++contents);
        draft.validUntil = type(uint48).max;
        draft.calls = new bytes[](what == 3 ? 0 : 1);
        if (what == 0) {
            draft.kind = Kind.Admission;
            draft.calls = new bytes[](2);
            draft.calls[0] = abi.encodeCall(INodeRegistry.enroll, (NodeEntry(account, "Centre", "", 0, 0)));
            draft.calls[1] = abi.encodeCall(INodeRegistry.activate, (account));
        } else if (what == 1) {
            draft.kind = Kind.Suspension;
            draft.calls[0] = abi.encodeCall(INodeRegistry.suspend, (account));
        } else if (what == 2) {
            draft.kind = Kind.Removal;
            draft.calls[0] = abi.encodeCall(INodeRegistry.remove, (account));
        } else if (what == 3) {
            draft.kind = Kind.General;
        } else if (what == 4) {
            draft.kind = Kind.Parameter;
            Weight[] memory all = new Weight[](PEOPLE);
            for (uint256 i = 0; i < PEOPLE; ++i) {
                Weight memory next = Weight(vm.addr(i + 1), proposedWeight(contents, i));
                // In ascending order of the accounts.
                uint256 place = i;
                for (; place > 0 && all[place - 1].account > next.account; --place) all[place] = all[place - 1];
                all[place] = next;
            }
            draft.calls[0] = abi.encodeCall(IConsortiumGovernor.setWeights, (all));
        } else {
            draft.kind = Kind.Resource;
            uint64 head = resources.head(RESOURCE_SET);
            bytes32 configuration = bytes32(contents);
            draft.calls[0] = abi.encodeCall(IResourceRegistry.addVersion, (RESOURCE_SET, head, configuration, ""));
        }
    }

    function proposedWeight(uint256 content, uint256 person) private pure returns (uint16) {
        return uint16(1 + ((content + person) % 5));
    }

    function argumentsOf(uint256 id) private view returns (address[] memory targets, bytes[] memory calls, bytes32) {
        Draft memory draft = drafts[id];
        calls = draft.calls;
        targets = new address[](calls.length);
        address target = draft.kind == Kind.Parameter ? address(governor) : draft.kind == Kind.Resource
            ? address(resources)
            : address(registry);
        for (uint256 i = 0; i < targets.length; ++i) targets[i] = target;
        (, string memory description) = governor.describe(draft, proposers[id]);
        return (targets, calls, keccak256(bytes(description)));
    }

    /// @dev The second argument of `addVersion`.
    function baseOf(bytes memory encoded) private pure returns (uint64 base) {
        assembly ("memory-safe") {
            base := mload(add(encoded, 0x44))
        }
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
