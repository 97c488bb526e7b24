// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Aggregation,
    IConsortiumGovernor,
    Kind,
    ProposalInfo,
    Rule
} from "../../contracts/interfaces/IConsortiumGovernor.sol";
import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { ProposalCore, ProposalCores, Status } from "../../contracts/libraries/ProposalCore.sol";
import { IResourceRegistry } from "../../contracts/interfaces/IResourceRegistry.sol";
import { Version } from "../../contracts/interfaces/IResourceRegistry.sol";
import { VoteHandler } from "./support/VoteHandler.sol";

/// @notice What holds after any sequence of acts; the handler's calls must never revert.
contract VoteInvariants {
    VoteHandler private handler;
    IConsortiumGovernor private governor;

    function setUp() external {
        handler = new VoteHandler();
        governor = handler.governor();
    }

    /// @dev Read by the test runner: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_executesAtMostOnce() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            uint256 id = handler.ids(i);
            bool isExecuted = governor.state(id) == IGovernor.ProposalState.Executed;
            require(handler.executions(id) == (isExecuted ? 1 : 0), "executions");
            bool isCanceled = governor.state(id) == IGovernor.ProposalState.Canceled;
            require(handler.canceled(id) == isCanceled, "taken back");
            require(!isCanceled || governor.proposal(id).voters == 0, "voted on before it began");
        }
    }

    /// @dev One version for each executed resource proposal, in their order, each made from the one before.
    function invariant_versionsAreThoseOfExecutedProposals() external view {
        IResourceRegistry resources = handler.resources();
        bytes32 set = handler.RESOURCE_SET();
        uint256 passed = handler.versionsPassed();
        require(resources.versionCount(set) == passed && resources.head(set) == passed, "versions");
        for (uint256 i = 0; i < passed; ++i) {
            Version memory version = resources.versionAt(set, uint64(i + 1));
            require(version.proposalId == handler.versions(i) && version.parent == i, "version");
        }
    }

    /// @dev The electorate is that of the beginning; each of it is counted once, as it voted first, with
    /// the weight that it had then.
    function invariant_votesAreThoseOfDistinctElectors() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            uint256 id = handler.ids(i);
            ProposalInfo memory info = governor.proposal(id);
            address[] memory electors = handler.electorsOf(id);
            require(keccak256(abi.encode(governor.electorate(id))) == keccak256(abi.encode(electors)), "electorate");
            uint256[4] memory counts;
            uint256 voters = 0;
            uint256 total = 0;
            for (uint256 k = 0; k < electors.length; ++k) {
                uint256 vote = handler.votes(id, electors[k]);
                uint256 weight = handler.weightOf(id, electors[k]);
                counts[vote] += weight;
                total += weight;
                if (vote != 0) voters |= 1 << k;
                require(governor.hasVoted(id, electors[k]) == (vote != 0), "hasVoted");
            }
            require(info.voters == voters, "voters");
            require(info.againstVotes == counts[1] && info.forVotes == counts[2], "for and against");
            require(info.abstainVotes == counts[3], "abstentions");
            require(info.totalVotes == total, "total");
            require(info.forVotes + info.againstVotes + info.abstainVotes <= info.totalVotes, "more than there are");
        }
    }
}

contract VoteCountingTest {
    /// @dev A decision called certain is the one that every way of voting on leads to, and one that is not can go both ways.
    function test_fuzz_outcomeIsCertainExactlyWhenItIs(
        uint8 how,
        uint16 share,
        uint8 total,
        uint8 against,
        uint8 inFavour,
        uint8 abstaining
    ) external pure {
        uint256 size = 1 + (uint256(total) % 12);
        uint256[3] memory cast;
        cast[0] = against % (size + 1);
        cast[1] = inFavour % (size + 1 - cast[0]);
        cast[2] = abstaining % (size + 1 - cast[0] - cast[1]);
        uint256 out = size - cast[0] - cast[1] - cast[2];
        Rule memory rule = Rule(Aggregation(how % 4), share % 10_001, 0, 1);
        (bool passed, bool defeated) = make(rule, size, cast[0], cast[1], cast[2]).outcome(false);
        require(!(passed && defeated), "both");
        bool canPass = false;
        bool canFail = false;
        for (uint256 a = 0; a <= out; ++a) {
            for (uint256 f = 0; a + f <= out; ++f) {
                for (uint256 s = 0; a + f + s <= out; ++s) {
                    bool result = expected(rule, size, cast[0] + a, cast[1] + f, cast[2] + s);
                    (bool isPassed, bool isDefeated) = make(rule, size, cast[0] + a, cast[1] + f, cast[2] + s).outcome(
                        true
                    );
                    require(isPassed == result && isDefeated != result, "another result");
                    if (result) canPass = true;
                    else canFail = true;
                }
            }
        }
        require(passed == !canFail, "passed");
        require(defeated == !canPass, "defeated");
    }

    /// @dev All fields at once, at their greatest too: none touches another.
    function test_fuzz_fields(
        uint8 kind,
        uint8 how,
        uint16 share,
        uint24 period,
        uint16 weights,
        uint8 place
    ) external pure {
        Rule memory rule = Rule(Aggregation(how % 4), share % 10_001, 0, period);
        uint256 total = 256 * 65_535;
        ProposalCore core = ProposalCores.create(
            Kind(kind % 7),
            rule,
            weights,
            place,
            type(uint32).max,
            type(uint40).max,
            total
        );
        core = core.withVotes(0, total).withVotes(1, total).withVotes(2, total).withStatus(Status.Executed);
        require(core.status() == Status.Executed && uint256(core.kind()) == kind % 7, "status, kind");
        require(uint256(core.aggregation()) == how % 4 && core.weightsVersion() == weights, "rule, weights");
        require(core.proposer() == place && core.epoch() == type(uint32).max, "proposer, epoch");
        require(core.voteStart() == type(uint40).max, "start");
        require(core.voteEnd() == uint256(type(uint40).max) + period, "end");
        require(core.totalVotes() == total, "total");
        require(core.quorumVotes() == (total * rule.quorumShare + 9_999) / 10_000, "quorum");
        for (uint256 i = 0; i < 3; ++i) require(core.votes(i) == total, "votes");
    }

    /// @dev The rules as they are worded, when all is over.
    function expected(Rule memory rule, uint256 size, uint256 a, uint256 f, uint256 s) private pure returns (bool) {
        if ((a + f + s) * 10_000 < size * rule.quorumShare) return false;
        if (rule.aggregation == Aggregation.TwoThirds) return f > 0 && 3 * f >= 2 * (f + a);
        if (rule.aggregation == Aggregation.Unanimity) return f == size;
        return f > a;
    }

    function make(Rule memory rule, uint256 size, uint256 a, uint256 f, uint256 s) private pure returns (ProposalCore) {
        ProposalCore core = ProposalCores.create(Kind.General, rule, 0, 0, 1, 0, size);
        return core.withVotes(0, a).withVotes(1, f).withVotes(2, s);
    }
}
