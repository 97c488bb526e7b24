// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Header, IBlockAnchor } from "../../contracts/interfaces/IBlockAnchor.sol";
import { INodeRegistry, Node, NodeStatus } from "../../contracts/interfaces/INodeRegistry.sol";
import { CommitteeBlob } from "../../contracts/libraries/CommitteeBlob.sol";
import { ConsortiumHandler } from "./support/ConsortiumHandler.sol";

/// @notice What holds after any sequence of acts; the handler's calls must never revert.
contract ConsortiumInvariants {
    ConsortiumHandler private handler;
    INodeRegistry private registry;
    IBlockAnchor private anchor;

    function setUp() external {
        handler = new ConsortiumHandler();
        registry = handler.registry();
        anchor = handler.anchor();
    }

    /// @dev Read by the test runner: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Heights have no gaps, each has the one hash that was put there first, and it never changes.
    function invariant_heightsAreContiguousAndFixed() external view {
        uint256 count = handler.blockCount();
        require(anchor.head() == count, "head");
        require(anchor.blockHash(0) == 0, "height 0");
        require(anchor.blockHash(uint64(count) + 1) == 0, "beyond the head");
        for (uint256 i = 0; i < count; ++i) {
            Header memory header = handler.blockAt(i);
            require(header.height == i + 1, "height");
            require(anchor.blockHash(header.height) == handler.hashes(i), "hash");
            require(anchor.hashBlock(header) == handler.hashes(i), "other header");
        }
    }

    function invariant_slotAndSizeOnlyGrow() external view {
        for (uint256 i = 1; i < handler.blockCount(); ++i) {
            Header memory before = handler.blockAt(i - 1);
            Header memory header = handler.blockAt(i);
            require(header.slot > before.slot, "slot");
            require(header.treeSize > before.treeSize, "size");
            require(header.epoch >= before.epoch, "epoch");
            require(header.parent == handler.hashes(i - 1), "parent");
        }
    }

    /// @dev The committee is the active nodes, in order, in this epoch and in all before.
    function invariant_committeeIsTheActiveNodes() external view {
        (uint64 epoch, address[] memory members) = registry.committee();
        require(epoch == handler.epochs(), "epoch");
        require(same(members, handler.activeMembers()), "members");
        require(same(members, registry.getValidators()), "validators");
        for (uint64 e = 1; e <= epoch; ++e) require(same(registry.committeeAt(e), handler.committeeOf(e)), "history");
        uint256 active = 0;
        for (uint256 i = 0; i < 9; ++i) {
            address person = handler.personAt(i);
            if (registry.node(person).status == NodeStatus.Active) ++active;
            require(registry.isActive(person) == (registry.node(person).status == NodeStatus.Active), "isActive");
        }
        require(active == members.length && active != 0, "active");
    }

    /// @dev An application that stands is the last one, was attested, and none serves twice; who is out has none.
    function invariant_applicationsAreAttested() external view {
        for (uint256 i = 0; i < 9; ++i) {
            address person = handler.personAt(i);
            Node memory node = registry.node(person);
            require(node.appliedAt == handler.appliedAt(person), "time of the last application");
            if (node.status == NodeStatus.Removed || node.status == NodeStatus.Banned) {
                require(node.application == 0 && !node.isAuthenticator, "rights of who is out");
            }
            if (node.application == 0) continue;
            require(handler.attested(person) != 0, "never attested");
            require(node.application == handler.applicationOf(person), "another application");
            require(node.status != NodeStatus.None, "a stranger with an application");
        }
    }

    /// @dev The blob lies where its epoch says, and nothing lies where the next will be.
    function invariant_blobIsWhereTheEpochSays() external view {
        (uint64 epoch, address pointer) = registry.committeePointer();
        require(pointer == CommitteeBlob.addressOf(address(registry), epoch), "place");
        require(pointer.code.length == 1 + 20 * handler.activeMembers().length, "length");
        require(CommitteeBlob.addressOf(address(registry), epoch + 1).code.length == 0, "next");
    }

    function same(address[] memory a, address[] memory b) private pure returns (bool) {
        return keccak256(abi.encode(a)) == keccak256(abi.encode(b));
    }
}
