// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";
import { IERC6372 } from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import { IConsortiumGovernor } from "../interfaces/IConsortiumGovernor.sol";

/// @title GovernorFacade
/// @notice What tools for {IGovernor} ask of every governor, where the answer is always the same here: names and clock, no
/// queue, no threshold but a centre's own vote, no proposal without a signature.
abstract contract GovernorFacade is IConsortiumGovernor {
    /// @inheritdoc IGovernor
    /// @dev Always reverts with {ProposalUnsigned}.
    function propose(
        address[] calldata,
        uint256[] calldata,
        bytes[] calldata,
        string calldata
    ) external pure returns (uint256) {
        revert ProposalUnsigned();
    }

    /// @inheritdoc IGovernor
    function queue(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calldatas,
        bytes32 descriptionHash
    ) external pure returns (uint256) {
        revert GovernorProposalQueueingNotRequired(hashProposal(targets, values, calldatas, descriptionHash));
    }

    /// @inheritdoc IGovernor
    function name() external pure returns (string memory) {
        return "Notarium";
    }

    /// @inheritdoc IGovernor
    function version() external pure returns (string memory) {
        return "1";
    }

    /// @inheritdoc IERC6372
    function clock() external view returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @inheritdoc IERC6372
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc IGovernor
    // solhint-disable-next-line func-name-mixedcase
    function COUNTING_MODE() external pure returns (string memory) {
        return "support=bravo&quorum=against,for,abstain";
    }

    /// @inheritdoc IGovernor
    function hashProposal(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(targets, values, calldatas, descriptionHash)));
    }

    /// @inheritdoc IGovernor
    function getProposalId(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calldatas,
        bytes32 descriptionHash
    ) external pure returns (uint256) {
        return hashProposal(targets, values, calldatas, descriptionHash);
    }

    /// @inheritdoc IGovernor
    function proposalThreshold() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IGovernor
    function proposalEta(uint256) external pure returns (uint256) {
        return 0;
    }

    /// @inheritdoc IGovernor
    function proposalNeedsQueuing(uint256) external pure returns (bool) {
        return false;
    }
}
