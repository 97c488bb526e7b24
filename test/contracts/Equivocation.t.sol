// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Header } from "../../contracts/interfaces/Header.sol";
import { IBlockAnchor } from "../../contracts/interfaces/IBlockAnchor.sol";
import { INodeRegistry, NodeEntry, NodeStatus } from "../../contracts/interfaces/INodeRegistry.sol";
import { CommitteeBlob } from "../../contracts/libraries/CommitteeBlob.sol";
import { Deploy } from "./support/Deploy.sol";
import { vm } from "./support/Vm.sol";

contract EquivocationTest {
    uint256 private constant MEMBERS = 4;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    INodeRegistry private registry;
    IBlockAnchor private anchor;

    function setUp() external {
        NodeEntry[] memory genesis = new NodeEntry[](MEMBERS);
        for (uint256 i = 0; i < MEMBERS; ++i) genesis[i] = NodeEntry(vm.addr(i + 1), "Centre", "", 0, 0);
        registry = Deploy.nodeRegistry(genesis);
        registry.setGovernor(address(this));
        anchor = Deploy.blockAnchor(registry, 2, 4);
        registry.setAnchor(address(anchor));
    }

    /// @dev Any two headers: a member that signed both is out exactly when they are two blocks of one slot.
    function test_fuzz_report(Header calldata a, Header memory b, bool sameSlot, uint8 who, uint8 forms) external {
        if (sameSlot) b.slot = a.slot;
        uint256 key = 1 + (who % MEMBERS);
        bytes memory expected = "";
        if (b.slot != a.slot) {
            expected = abi.encodeWithSelector(INodeRegistry.SlotMismatch.selector, b.slot, a.slot);
        } else if (anchor.hashBlock(a) == anchor.hashBlock(b)) {
            expected = abi.encodeWithSelector(INodeRegistry.SameBlock.selector, anchor.hashBlock(a));
        } else if (a.epoch == 0 && b.epoch == 0) {
            expected = abi.encodeWithSelector(INodeRegistry.EvidenceStale.selector, 0, 1);
        }
        bytes memory first = sign(key, a, forms & 1 == 0);
        bytes memory second = sign(key, b, forms & 2 == 0);
        if (expected.length != 0) vm.expectRevert(expected);
        registry.reportEquivocation(a, first, b, second);
        checkCommittee(expected.length == 0 ? vm.addr(key) : address(0));
    }

    /// @dev Nothing that is not signed by one member over both blocks suspends anybody.
    function test_fuzz_report_revertsForOtherSignatures(
        Header calldata a,
        Header memory b,
        bytes calldata first,
        bytes calldata second,
        uint8 who
    ) external {
        b.slot = a.slot;
        uint256 key = 1 + (who % MEMBERS);
        refuse(a, first, b, second);
        refuse(a, sign(key, a, true), b, second);
        refuse(a, first, b, sign(key, b, false));
        refuse(a, sign(key, a, true), b, sign(1 + (key % MEMBERS), b, true));
        // Each over the other's block.
        refuse(a, sign(key, b, true), b, sign(key, a, true));
        checkCommittee(address(0));
    }

    /// @dev The mirror image of a signature is another signature of the same bytes by the same key; none is taken.
    function test_fuzz_report_revertsForHighS(Header calldata a, uint8 who) external {
        Header memory b = a;
        b.root = ~a.root;
        b.epoch = 1;
        uint256 key = 1 + (who % MEMBERS);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, anchor.hashBlock(a));
        bytes32 s = bytes32(ORDER - uint256((vs << 1) >> 1));
        bytes memory high = abi.encodePacked(r, s, uint8(uint256(vs) >> 255 == 0 ? 28 : 27));
        bytes memory second = sign(key, b, true);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.SignatureMalleable.selector, s));
        registry.reportEquivocation(a, high, b, second);
        checkCommittee(address(0));
    }

    /// @dev One proof, one suspension: neither again at once, nor after the governor took the node back.
    function test_fuzz_report_countsOnce(Header calldata a, Header memory b, uint8 who) external {
        b.slot = a.slot;
        uint256 key = 1 + (who % MEMBERS);
        if (anchor.hashBlock(a) == anchor.hashBlock(b) || (a.epoch == 0 && b.epoch == 0)) return;
        (bytes memory first, bytes memory second) = (sign(key, a, true), sign(key, b, false));
        registry.reportEquivocation(a, first, b, second);
        refuse(a, first, b, second);
        refuse(b, second, a, first);
        registry.activate(vm.addr(key));
        // Epoch 3 begins with its return; only a block that names it, or a later one, counts from now on.
        if (a.epoch < 3 && b.epoch < 3) {
            refuse(a, first, b, second);
            refuse(b, second, a, first);
            require(registry.isActive(vm.addr(key)), "suspended twice for one thing");
        } else {
            registry.reportEquivocation(b, second, a, first);
            require(!registry.isActive(vm.addr(key)), "still there");
        }
    }

    // ---------------------------------------------------------------- helpers

    function refuse(Header memory a, bytes memory first, Header memory b, bytes memory second) private {
        try registry.reportEquivocation(a, first, b, second) {
            revert("a wrong report was taken");
        } catch (bytes memory reason) {
            require(isRefusal(bytes4(reason)), "not one of the registry's reasons");
        }
    }

    function isRefusal(bytes4 reason) private pure returns (bool) {
        return
            reason == INodeRegistry.SameBlock.selector ||
            reason == INodeRegistry.SignatureLength.selector ||
            reason == INodeRegistry.SignatureMalleable.selector ||
            reason == INodeRegistry.SignatureInvalid.selector ||
            reason == INodeRegistry.SignerMismatch.selector ||
            reason == INodeRegistry.EvidenceStale.selector ||
            reason == INodeRegistry.TransitionRefused.selector;
    }

    /// @dev All are in it but `culprit` (zero: nobody is out), in order, and the blob lies where its epoch says.
    function checkCommittee(address culprit) private view {
        uint256 left = culprit == address(0) ? 0 : 1;
        (uint64 epoch, address[] memory members) = registry.committee();
        (, address pointer) = registry.committeePointer();
        require(epoch == 1 + left, "epoch");
        require(pointer == CommitteeBlob.addressOf(address(registry), epoch), "place");
        require(members.length == MEMBERS - left, "size");
        uint256 place = 0;
        for (uint256 i = 0; i < MEMBERS; ++i) {
            address member = vm.addr(i + 1);
            bool isOut = member == culprit;
            NodeStatus want = isOut ? NodeStatus.Suspended : NodeStatus.Active;
            require(registry.node(member).status == want, "status");
            if (!isOut) require(members[place++] == member, "order");
        }
    }

    function sign(uint256 key, Header memory header, bool isCompact) private view returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, anchor.hashBlock(header));
        if (isCompact) return abi.encodePacked(r, vs);
        return abi.encodePacked(r, (vs << 1) >> 1, uint8(27 + (uint256(vs) >> 255)));
    }
}
