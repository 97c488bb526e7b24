import { type BlockHeader, blockDigest, blockHash } from '../../core/block.ts';
import { type Address, toHex } from '../../core/bytes.ts';
import { type SignedHeader, signedHeaderSchema } from '../../core/equivocation.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { checkProposal, type ProposedBlock } from './checkProposal.ts';
import { checkSlot, checkTurn } from './checkTurn.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { isOwnFault, ownFault, refused } from './voteRefusals.ts';
import { collectPacked, firstFrame, jsonFrame, protocols, readJson } from './wire.ts';

const itemBytes = 64;

/** Items are a record's id and its leaf hash. */
function proposed(header: BlockHeader, items: Uint8Array): ProposedBlock {
  const count = items.length / itemBytes;
  const [ids, leafHashes] = [new Uint8Array(32 * count), new Uint8Array(32 * count)];
  for (let at = 0; at < count; at++) {
    ids.set(items.subarray(64 * at, 64 * at + 32), 32 * at);
    leafHashes.set(items.subarray(64 * at + 32, 64 * at + 64), 32 * at);
  }
  return { header, ids, leafHashes };
}

/**
 * What a block may bring, and what this centre has lost the anchors of: that stands in front of it (reanchorLog.ts). Its
 * publisher may have lost more, by no fault of its own.
 */
async function boundsOf({ store, settings }: ReplicationParts, header: BlockHeader) {
  const anchoredSize = (await store.committedBlock())?.header.treeSize ?? 0;
  const maxItems = settings.maxBlockRecords + store.logSize() - anchoredSize;
  const fault = (detail: string) => (header.treeSize > anchoredSize + maxItems ? refused(detail) : ownFault(detail));
  return { itemBytes, maxItems, fault };
}

function readHeader(frame: Uint8Array | undefined): SignedHeader {
  try {
    return readJson(signedHeaderSchema, frame);
  } catch {
    throw ownFault('it does not begin with a signed header');
  }
}

/** Points for a block that is wrong whoever looks at it, and for one that only seems wrong from here. */
const points = { fault: 25, doubt: 1 } as const;

/**
 * Answers publishers that ask for our vote: checks the block, stores the vote durably, and only then signs. The store lets a
 * slot have one vote. `onHeader` is told each header that its publisher has signed, before the records are looked at; it
 * answers whether that is the publisher's only one in the slot.
 */
export function castVotes(parts: ReplicationParts, onHeader: (signed: SignedHeader) => Promise<boolean>): void {
  const { net, network, store, signer, metrics, logger } = parts;
  // One proposal of a publisher at a time, and none waits for that of another: who sends half of one holds up nobody else.
  const proposing = new Set<Address>();

  const noteHeader = async (signed: SignedHeader): Promise<void> => {
    try {
      if (await onHeader(signed)) return;
    } catch (error) {
      if (!isNotariumError(error) || !error.code.startsWith('signature-')) throw error;
      throw ownFault('the publisher has not signed the header', { code: error.code });
    }
    throw ownFault('the publisher has signed another block in this slot');
  };

  const storeVote = async (header: BlockHeader): Promise<void> => {
    try {
      await store.vote({ slot: header.slot, hash: blockHash(network, header), header });
    } catch (error) {
      if (!isNotariumError(error, 'vote-conflict')) throw error;
      // Not always a fault: in a new epoch the same slot may be the turn of another publisher.
      throw refused('this centre has voted for another block in this slot', error.data);
    }
  };

  const vote = async (frames: AsyncIterable<Uint8Array>, from: Address, signal: AbortSignal): Promise<Uint8Array> => {
    const { first, rest } = await firstFrame(frames);
    const signed = readHeader(first);
    const { header } = signed;
    await checkTurn(parts, header, from);
    await noteHeader(signed);
    const items = await collectPacked(rest, await boundsOf(parts, header));
    const hash = blockHash(network, header);
    // The same block again, whose answer did not come through in time: it has been checked.
    const proposal = parts.proposals.find(hash) ?? (await checkProposal(parts, proposed(header, items), signal));
    // Its records may have been long in coming.
    checkSlot(parts, header);
    await storeVote(header);
    parts.proposals.keep(hash, proposal);
    metrics.votes.inc();
    return jsonFrame({ signature: toHex(await signer.sign(blockDigest(network, header))) });
  };

  net.handle(protocols.vote, async function* (frames, from, signal) {
    if (proposing.has(from)) throw new NotariumError('peer-busy', 'a proposal of this publisher is being checked');
    proposing.add(from);
    try {
      yield await vote(frames, from, signal);
    } catch (error) {
      // What it lacks comes from the chain: look at it now, and the publisher will ask again.
      if (isNotariumError(error, 'vote-behind')) parts.lookSoon();
      if (isNotariumError(error, 'vote-refused')) {
        metrics.votesRefused.inc();
        logger.warn({ peer: from, detail: error.detail, data: error.data }, 'no vote for a block');
        net.blame(from, 'vote-refused', isOwnFault(error) ? points.fault : points.doubt);
      }
      throw error;
    } finally {
      proposing.delete(from);
    }
  });
}
