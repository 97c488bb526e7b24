import { AbiCoder } from 'ethers';
import type { Address } from '../../core/bytes.ts';
import { proposalIdOf } from '../../core/governance/signing.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import { resourcesInterface } from '../interfaces.ts';
import type { RawLog } from '../logPages.ts';
import type { Said } from './governorEvents.ts';
import { lenientText } from './lenientText.ts';
import { nameAt } from './readProposal.ts';
import { versionStates } from './readResources.ts';

/** An event of the resource registry. */
export function resourceEvent(log: RawLog): Said {
  const parsed = resourcesInterface.parseLog(log);
  const args = parsed?.args;
  switch (parsed?.name) {
    case 'VersionAdded': {
      // The URI is the proposer's, and may be no text.
      const types = ['uint64', 'uint64', 'bytes32', 'bytes'];
      const [parent, epoch, configurationHash, uri] = AbiCoder.defaultAbiCoder().decode(types, log.data);
      return {
        type: 'version.added',
        resourceSet: args!.resourceSet,
        version: Number(args!.version),
        proposalId: proposalIdOf(args!.proposalId),
        parent: Number(parent),
        epoch: Number(epoch),
        configurationHash,
        uri: lenientText(uri),
      };
    }
    case 'Reported':
      return {
        type: 'version.reported',
        resourceSet: args!.resourceSet,
        version: Number(args!.version),
        reporter: args!.reporter.toLowerCase() as Address,
        matches: args!.matches,
        sequence: Number(args!.sequence),
        actualHash: args!.actualHash,
        recordId: args!.recordId,
      };
    case 'VersionStateChanged':
      return {
        type: 'version.state',
        resourceSet: args!.resourceSet,
        version: Number(args!.version),
        state: nameAt(versionStates, args!.state),
      };
    default:
      throw invalidAnswer('a log that was not asked for');
  }
}
