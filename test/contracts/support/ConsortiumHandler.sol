// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Header, IBlockAnchor } from "../../../contracts/interfaces/IBlockAnchor.sol";
import {
    AdmissionRules,
    Application,
    INodeRegistry,
    Node,
    NodeEntry,
    NodeStatus
} from "../../../contracts/interfaces/INodeRegistry.sol";
import { Deploy } from "./Deploy.sol";
import { ReferenceTree } from "./ReferenceTree.sol";
import { vm } from "./Vm.sol";

/// @notice Does what a consortium does, in any order. Every call is made so that it must succeed; what must be refused is
/// tried and the refusal asserted. It keeps its own books, which the invariants compare with the contracts.
contract ConsortiumHandler {
    uint256 private constant PEOPLE = 9;
    uint64 private constant PERIOD = 10;
    uint64 private constant GRACE = 5;
    uint24 private constant REAPPLY = 16;
    bytes32 private constant MANIFEST = keccak256("manifest");

    INodeRegistry public registry;
    IBlockAnchor public anchor;

    Header[] public blocks;
    bytes32[] public hashes;
    address[] public active;
    address[][] private history;
    uint64 private slot = 1000;
    mapping(address account => uint256 key) private keys;
    /// In ascending order.
    address[] private sorted;
    /// Attestations that the rules ask for, and how many the last application of each had.
    uint256 public wanted;
    mapping(address account => uint256 count) public attested;
    mapping(address account => Application application) private applications;
    mapping(address account => uint256 time) public appliedAt;

    constructor() {
        NodeEntry[] memory genesis = new NodeEntry[](4);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            keys[vm.addr(i + 1)] = i + 1;
            sorted.push(vm.addr(i + 1));
            for (uint256 k = i; k > 0 && sorted[k - 1] > sorted[k]; --k) {
                (sorted[k - 1], sorted[k]) = (sorted[k], sorted[k - 1]);
            }
            if (i < genesis.length) {
                genesis[i] = entryOf(vm.addr(i + 1));
                active.push(vm.addr(i + 1));
            }
        }
        registry = Deploy.nodeRegistry(genesis);
        registry.setGovernor(address(this));
        registry.setAuthenticator(active[0], true);
        registry.setAuthenticator(active[1], true);
        setRules(2);
        anchor = Deploy.blockAnchor(registry, PERIOD, GRACE);
        history.push();
        history.push(active);
        vm.warp(uint256(slot) * PERIOD);
    }

    // ---------------------------------------------------------------- acts

    function anchorNext(uint8 skip, uint8 growth, uint256 who) external {
        slot += 1 + (skip % 4);
        vm.warp(uint256(slot) * PERIOD + (who % (PERIOD + GRACE)));
        Header memory header = nextHeader(1 + (growth % 3));
        Header memory previous = lastHeader();
        bytes32[] memory proof = proofTo(header);
        uint256 signers = who % 2 == 0 ? active.length : quorum();
        (uint256 bitmap, bytes memory signatures) = sign(anchor.hashBlock(header), signers, header.publisher);
        anchor.anchor(header, previous, proof, bitmap, signatures);
        blocks.push(header);
        hashes.push(anchor.hashBlock(header));
    }

    /// @dev Anyone, at any time, with no signature at all: the block is there already.
    function resubmit(uint256 which) external {
        if (blocks.length == 0) return;
        Header memory old = blocks[which % blocks.length];
        anchor.anchor(old, old, new bytes32[](0), 0, "");
    }

    /// @dev A rival at a taken height, a block that lacks one signature, and a gap: each refused, and for that reason.
    function rival(uint256 which, uint8 growth) external {
        if (blocks.length != 0) {
            Header memory other = blocks[which % blocks.length];
            other.root = ~other.root;
            refuse(other, active.length, IBlockAnchor.HeightTaken.selector);
        }
        slot += 1;
        vm.warp(uint256(slot) * PERIOD);
        Header memory next = nextHeader(1 + (growth % 3));
        // The publisher's own is there, unless it is the one that is missing.
        refuse(
            next,
            quorum() - 1,
            quorum() == 1 ? IBlockAnchor.PublisherNotSigned.selector : IBlockAnchor.QuorumMissed.selector
        );
        next.height += 1;
        refuse(next, active.length, IBlockAnchor.HeightGap.selector);
    }

    function enroll(uint256 who) external {
        address account = vm.addr(1 + (who % PEOPLE));
        NodeStatus status = registry.node(account).status;
        if (status != NodeStatus.None && status != NodeStatus.Removed) return;
        registry.enroll(entryOf(account));
    }

    function activate(uint256 who) external {
        address account = vm.addr(1 + (who % PEOPLE));
        NodeStatus status = registry.node(account).status;
        if (status != NodeStatus.Candidate && status != NodeStatus.Suspended) return;
        bytes4 refusal;
        if (status == NodeStatus.Candidate && wanted != 0) {
            refusal = INodeRegistry.AttestationRequired.selector;
        } else if (status == NodeStatus.Candidate && bytes(registry.node(account).name).length == 0) {
            // It has applied under other rules, and nothing of it was ever published.
            refusal = INodeRegistry.ApplicationUnpublished.selector;
        }
        try registry.activate(account) {
            require(refusal == 0, "activated all the same");
        } catch (bytes memory reason) {
            require(bytes4(reason) == refusal, "not activated");
            return;
        }
        active.push(account);
        history.push(active);
    }

    function suspend(uint256 who) external {
        if (active.length == 1) return;
        uint256 index = who % active.length;
        registry.suspend(active[index]);
        drop(index);
    }

    function remove(uint256 who) external {
        if (active.length == 1) return;
        uint256 index = who % active.length;
        registry.remove(active[index]);
        drop(index);
    }

    // ---------------------------------------------------------------- acts of admission

    function setRules(uint8 attestations) public {
        wanted = attestations % 3;
        registry.setAdmissionRules(AdmissionRules(MANIFEST, uint8(wanted), REAPPLY, 1, 0, 0, 0, 0, 0, 0));
    }

    /// @dev More often allowed than not, so that there are some.
    function setAuthenticator(uint256 who, uint8 share) external {
        registry.setAuthenticator(active[who % active.length], share % 4 != 0);
    }

    /// @dev By all who are authenticators; where they are too few, it is refused. Twice with one attestation it always is.
    function applyFor(uint256 who, uint8 score) public {
        address account = vm.addr(1 + (who % PEOPLE));
        NodeStatus status = registry.node(account).status;
        slot += 3;
        vm.warp(uint256(slot) * PERIOD);
        Application memory application = Application({
            entryHash: hashEntry(entryOf(account)),
            manifestHash: MANIFEST,
            profileDigest: bytes32(uint256(slot)),
            score: 1 + uint32(score),
            expiry: uint48(block.timestamp) + 40,
            nonce: uint48(appliedAt[account])
        });
        (bytes32 digest, ) = registry.hashApplication(account, application);
        (uint256 count, bytes memory signatures) = attest(digest);
        bytes4 expected =
            wanted == 0
                ? INodeRegistry.ApplicationsClosed.selector
                : status == NodeStatus.Active || status == NodeStatus.Suspended || status == NodeStatus.Banned
                    ? INodeRegistry.TransitionRefused.selector
                    : count < wanted
                        ? INodeRegistry.AttestationsMissed.selector
                        : bytes4(0);
        require(tryToApply(account, application, signatures) == expected, "applied, or refused for another reason");
        if (expected != 0) return;
        applications[account] = application;
        attested[account] = count;
        appliedAt[account] = block.timestamp;
        bytes4 again = tryToApply(account, application, signatures);
        require(again == INodeRegistry.NonceMismatch.selector, "an attestation served twice");
        application.nonce = uint48(block.timestamp);
        (digest, ) = registry.hashApplication(account, application);
        (, signatures) = attest(digest);
        again = tryToApply(account, application, signatures);
        require(again == INodeRegistry.ApplicationEarly.selector, "applied again at once");
    }

    function publish(uint256 who) public {
        address account = vm.addr(1 + (who % PEOPLE));
        Node memory node = registry.node(account);
        if (node.status != NodeStatus.Candidate || node.application == 0) return;
        registry.publish(entryOf(account), applications[account]);
    }

    function admit(uint256 who) public {
        address account = vm.addr(1 + (who % PEOPLE));
        Node memory node = registry.node(account);
        bool isReady =
            node.status == NodeStatus.Candidate &&
                node.application != 0 &&
                node.published == node.application &&
                block.timestamp <= node.expiry;
        try registry.admit(account, node.application) {
            require(isReady && attested[account] != 0, "admitted too early");
            active.push(account);
            history.push(active);
        } catch {
            require(!isReady, "not admitted");
        }
    }

    /// @dev All three: acts at random seldom come so far.
    function join(uint256 who, uint8 score) external {
        applyFor(who, score);
        publish(who);
        admit(who);
    }

    function ban(uint256 who) external {
        address account = vm.addr(1 + (who % PEOPLE));
        NodeStatus status = registry.node(account).status;
        if (status == NodeStatus.Banned) {
            registry.unban(account);
            return;
        }
        if (status != NodeStatus.Active) {
            registry.ban(account);
            return;
        }
        if (active.length == 1) return;
        registry.ban(account);
        uint256 index = 0;
        while (active[index] != account) ++index;
        drop(index);
    }

    function rotate(uint256 which, uint256 who) external {
        address account = vm.addr(1 + (who % PEOPLE));
        NodeStatus status = registry.node(account).status;
        if (status != NodeStatus.None && status != NodeStatus.Removed) return;
        registry.rotate(active[which % active.length], entryOf(account));
        active[which % active.length] = account;
        history.push(active);
    }

    /// @dev The refusal's selector; zero where it is taken.
    function tryToApply(
        address account,
        Application memory application,
        bytes memory signatures
    ) private returns (bytes4) {
        vm.prank(account);
        try registry.applyFor(application, signatures) {
            return 0;
        } catch (bytes memory reason) {
            return bytes4(reason);
        }
    }

    /// @dev By each authenticator, in ascending order.
    function attest(bytes32 digest) private view returns (uint256 count, bytes memory signatures) {
        for (uint256 i = 0; i < PEOPLE; ++i) {
            if (!registry.isAuthenticator(sorted[i])) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(keys[sorted[i]], digest);
            signatures = abi.encodePacked(signatures, r, vs);
            ++count;
        }
    }

    function hashEntry(NodeEntry memory entry) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)"),
                    keccak256(bytes(entry.name)),
                    keccak256(bytes(entry.endpoint)),
                    entry.encryptionKey,
                    entry.noteKey
                )
            );
    }

    // ---------------------------------------------------------------- books

    /// @dev What the last application of a person is called.
    function applicationOf(address account) external view returns (bytes20 name) {
        (, name) = registry.hashApplication(account, applications[account]);
    }

    function blockCount() external view returns (uint256) {
        return blocks.length;
    }

    function blockAt(uint256 index) external view returns (Header memory) {
        return blocks[index];
    }

    function activeMembers() external view returns (address[] memory) {
        return active;
    }

    function committeeOf(uint256 epoch) external view returns (address[] memory) {
        return history[epoch];
    }

    function epochs() external view returns (uint256) {
        return history.length - 1;
    }

    function personAt(uint256 index) external pure returns (address) {
        return vm.addr(1 + (index % PEOPLE));
    }

    // ---------------------------------------------------------------- making blocks

    function nextHeader(uint64 growth) private view returns (Header memory) {
        Header memory previous = lastHeader();
        uint64 size = previous.treeSize + growth;
        return
            Header({
                height: previous.height + 1,
                slot: slot,
                treeSize: size,
                root: ReferenceTree.root(0, size),
                parent: hashes.length == 0 ? bytes32(0) : hashes[hashes.length - 1],
                epoch: uint64(history.length - 1),
                publisher: active[slot % active.length]
            });
    }

    function lastHeader() private view returns (Header memory last) {
        if (blocks.length != 0) last = blocks[blocks.length - 1];
    }

    function proofTo(Header memory header) private view returns (bytes32[] memory) {
        if (blocks.length == 0) return new bytes32[](0);
        return ReferenceTree.consistency(lastHeader().treeSize, header.treeSize);
    }

    /// @dev Counted here too, not asked of the contract.
    function quorum() private view returns (uint256) {
        return (2 * active.length) / 3 + 1;
    }

    /// @dev So many members, beginning at the publisher.
    function sign(
        bytes32 digest,
        uint256 count,
        address publisher
    ) private view returns (uint256 bitmap, bytes memory signatures) {
        uint256 size = active.length;
        uint256 first = 0;
        while (active[first] != publisher) ++first;
        for (uint256 i = 0; i < count; ++i) bitmap |= 1 << ((first + i) % size);
        for (uint256 i = 0; i < size; ++i) {
            if ((bitmap >> i) & 1 == 0) continue;
            (bytes32 r, bytes32 vs) = vm.signCompact(keys[active[i]], digest);
            signatures = abi.encodePacked(signatures, r, vs);
        }
    }

    /// @dev Hands in a block with right signatures of so many members, and asserts for which reason it is refused.
    function refuse(Header memory header, uint256 signers, bytes4 reason) private {
        (uint256 bitmap, bytes memory signatures) = sign(
            anchor.hashBlock(header),
            signers,
            active[header.slot % active.length]
        );
        bytes32[] memory proof = new bytes32[](0);
        if (header.treeSize > lastHeader().treeSize) proof = proofTo(header);
        try anchor.anchor(header, lastHeader(), proof, bitmap, signatures) {
            revert("a wrong block was taken");
        } catch (bytes memory data) {
            require(bytes4(data) == reason, "refused for another reason");
        }
    }

    function drop(uint256 index) private {
        for (uint256 i = index; i + 1 < active.length; ++i) active[i] = active[i + 1];
        active.pop();
        history.push(active);
    }

    function entryOf(address account) private pure returns (NodeEntry memory) {
        return NodeEntry(account, "Centre", "https://centre.example", bytes32(uint256(1)), bytes32(uint256(2)));
    }
}
