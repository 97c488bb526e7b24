// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { CommitteeBlob } from "../libraries/CommitteeBlob.sol";

/// @title Committees
/// @notice The part of {INodeRegistry} that keeps the committees: each is one blob of code, written anew at each change and
/// read at one go.
/// @dev This contract must never create anything but these blobs: the address of the blob of epoch e is that of its e-th
/// creation, which is how every epoch's committee stays readable without a slot for it.
abstract contract Committees is INodeRegistry {
    using CommitteeBlob for address;
    using CommitteeBlob for bytes;

    uint256 private constant MAX_MEMBERS = 256;

    /// @dev One slot, so that an anchor reads all it needs at once:
    ///
    ///     255      240 239       224 223        160 159               0
    ///     |  unused   |    size     |    epoch     |      pointer      |
    struct Committee {
        address pointer;
        uint64 epoch;
        uint16 size;
    }

    Committee private _committee;

    // ---------------------------------------------------------------- views

    /// @inheritdoc INodeRegistry
    function committee() external view returns (uint64 epoch, address[] memory members) {
        return (_committee.epoch, _committee.pointer.read());
    }

    /// @inheritdoc INodeRegistry
    function committeeAt(uint64 epoch) external view returns (address[] memory members) {
        if (epoch == 0 || epoch > _committee.epoch) revert EpochUnknown(epoch, _committee.epoch);
        return CommitteeBlob.addressOf(address(this), epoch).read();
    }

    /// @inheritdoc INodeRegistry
    function committeePointer() external view returns (uint64 epoch, address pointer) {
        Committee memory current = _committee;
        return (current.epoch, current.pointer);
    }

    /// @inheritdoc INodeRegistry
    function getValidators() external view returns (address[] memory validators) {
        return _committee.pointer.read();
    }

    // ---------------------------------------------------------------- changes

    function _nextEpoch() internal view returns (uint64) {
        return _committee.epoch + 1;
    }

    /// @dev At the end, so that nobody else's place changes.
    function _join(address account) internal {
        _setCommittee(_committee.pointer.load().joined(account));
    }

    /// @dev Those behind move up; the order of the others stays.
    function _leave(address account) internal {
        bytes memory members = _committee.pointer.load();
        if (members.count() == 1) revert LastActiveNode(account);
        _setCommittee(members.without(members.indexOf(account)));
    }

    /// @dev In the same place.
    function _replace(address account, address successor) internal {
        bytes memory members = _committee.pointer.load();
        _setCommittee(members.replaced(members.indexOf(account), successor));
    }

    /// @param members As they will stand in the blob.
    function _setCommittee(bytes memory members) internal {
        uint256 size = members.count();
        if (size == 0) revert CommitteeEmpty();
        if (size > MAX_MEMBERS) revert CommitteeFull(size, MAX_MEMBERS);
        uint64 epoch = _committee.epoch + 1;
        address pointer = members.write();
        // The place is a promise to those who look a committee up by its epoch alone.
        address place = CommitteeBlob.addressOf(address(this), epoch);
        if (pointer != place) revert CommitteeMisplaced(pointer, place);
        _committee = Committee({ pointer: pointer, epoch: epoch, size: uint16(size) });
        emit CommitteeChanged(epoch, pointer, size);
    }
}
