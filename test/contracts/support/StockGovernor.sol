// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Governor } from "@openzeppelin/contracts/governance/Governor.sol";
import { GovernorCountingSimple } from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";

/// @notice OpenZeppelin's Governor with its simple counting and equal votes for everybody: less than any real set of it
/// costs, since it looks no votes up. To compare gas with, in the same run.
contract StockGovernor is Governor, GovernorCountingSimple {
    // solhint-disable-next-line no-empty-blocks
    constructor() Governor("Stock") {}

    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function votingDelay() public pure override returns (uint256) {
        return 0;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 3600;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 3;
    }

    function _getVotes(address, uint256, bytes memory) internal pure override returns (uint256) {
        return 1;
    }
}
