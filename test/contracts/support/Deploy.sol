// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBlockAnchor } from "../../../contracts/interfaces/IBlockAnchor.sol";
import { IConsortiumGovernor, Rule } from "../../../contracts/interfaces/IConsortiumGovernor.sol";
import { IEvidenceChannels } from "../../../contracts/interfaces/IEvidenceChannels.sol";
import { INodeRegistry, NodeEntry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IResourceRegistry } from "../../../contracts/interfaces/IResourceRegistry.sol";
import { vm } from "./Vm.sol";

/// @notice Deploys the contracts from their artifacts. With `new` every test would hold the code of all that it deploys,
/// and the compiler make it again for each: four times the time that the contracts themselves take.
library Deploy {
    function nodeRegistry(NodeEntry[] memory genesis) internal returns (INodeRegistry) {
        return INodeRegistry(create("contracts/NodeRegistry.sol:NodeRegistry", abi.encode(genesis)));
    }

    function blockAnchor(INodeRegistry registry, uint64 period, uint64 grace) internal returns (IBlockAnchor) {
        return IBlockAnchor(create("contracts/BlockAnchor.sol:BlockAnchor", abi.encode(registry, period, grace)));
    }

    function resourceRegistry(INodeRegistry registry) internal returns (IResourceRegistry) {
        return IResourceRegistry(create("contracts/ResourceRegistry.sol:ResourceRegistry", abi.encode(registry)));
    }

    function governor(
        INodeRegistry registry,
        IResourceRegistry resources,
        Rule[7] memory rules
    ) internal returns (IConsortiumGovernor) {
        bytes memory args = abi.encode(registry, resources, rules);
        return IConsortiumGovernor(create("contracts/ConsortiumGovernor.sol:ConsortiumGovernor", args));
    }

    function evidenceChannels() internal returns (IEvidenceChannels) {
        return IEvidenceChannels(create("contracts/EvidenceChannels.sol:EvidenceChannels", ""));
    }

    function create(string memory artifact, bytes memory args) private returns (address made) {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), args);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(made != address(0), artifact);
    }
}
