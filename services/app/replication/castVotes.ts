import { blockDigest, blockHash } from '../../core/block.ts';
import { type Address, toHex } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { checkProposal, checkTurn, refused } from './checkProposal.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { collectItems, firstFrame, jsonFrame, protocols, readJson, signedHeaderSchema } from './wire.ts';

const itemBytes = 64;

/**
 * Answers publishers that ask for our vote: checks the block, stores the vote durably, and only then signs. One at a time,
 * so that a slot cannot get two. `onHeader` is told each header that its publisher has signed, before anything else.
 */
export function castVotes(
  parts: ReplicationParts,
  onHeader: (signed: ReturnType<typeof signedHeaderSchema.parse>, from: Address) => Promise<boolean>,
): void {
  const { net, network, store, signer, settings, metrics, logger } = parts;
  let turn: Promise<unknown> = Promise.resolve();

  const vote = async (frames: AsyncIterable<Uint8Array>, from: Address, signal: AbortSignal): Promise<Uint8Array> => {
    const { first, rest } = await firstFrame(frames);
    const signed = readJson(signedHeaderSchema, first);
    const { header } = signed;
    await checkTurn(parts, header, from);
    if (!(await onHeader(signed, from))) throw refused('the publisher has signed another block in this slot');
    const items = await collectItems(rest, itemBytes, settings.maxBlockRecords);
    const proposal = await checkProposal(parts, { header, items }, signal);
    const hash = blockHash(network, header);
    await store.vote({ slot: header.slot, hash, header });
    parts.proposals.keep(hash, proposal);
    metrics.votes.inc();
    return jsonFrame({ signature: toHex(await signer.sign(blockDigest(network, header))) });
  };

  net.handle(protocols.vote, async function* (frames, from, signal) {
    const before = turn;
    const mine = (async () => {
      await before.catch(() => undefined);
      return await vote(frames, from, signal);
    })();
    turn = mine;
    try {
      yield await mine;
    } catch (error) {
      // What it lacks comes from the chain: look at it now, and the publisher will ask again.
      if (isNotariumError(error, 'vote-behind')) parts.lookSoon();
      if (isNotariumError(error, 'vote-refused')) {
        metrics.votesRefused.inc();
        logger.warn({ peer: from, detail: error.detail, data: error.data }, 'no vote for a block');
      }
      throw error;
    }
  });
}
