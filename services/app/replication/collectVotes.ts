import { type BlockHeader, type BlockSignature, blockDigest } from '../../core/block.ts';
import { type Address, type Hex, toHex } from '../../core/bytes.ts';
import { type Committee, quorumOf, slotStartMs } from '../../core/committee.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { recoverAddress, signatureBytes } from '../../core/signature.ts';
import type { BlockLeaves } from './Replication.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { jsonFrame, onlyFrame, packedFrames, protocols, readJson, voteAnswerSchema } from './wire.ts';

const firstPauseMs = 50;
const longestPauseMs = 400;
const invalidVotePoints = 20;

/**
 * Asks every other member for its signature, and answers with a quorum of them, ours first, as soon as there is one. Who is
 * away or behind is asked again until the slot ends.
 * @throws NotariumError `quorum-unreachable` with what each one said.
 */
export async function collectVotes(
  parts: ReplicationParts,
  header: BlockHeader,
  committee: Committee,
  leaves: BlockLeaves,
): Promise<BlockSignature[]> {
  const { network, signer, clock, periodSeconds } = parts;
  const digest = blockDigest(network, header);
  const own = { signer: signer.address, signature: toHex(await signer.sign(digest)) };
  const quorum = quorumOf(committee.members.length);
  const signatures: BlockSignature[] = [own];
  if (quorum === 1) return signatures;
  const head = jsonFrame({ header, signature: own.signature });
  const items = itemsOf(leaves);
  const stop = new AbortController();
  const endMs = slotStartMs(header.slot + 1, periodSeconds);
  const reasons = new Map<Address, string>();
  const { promise: enough, resolve } = Promise.withResolvers<void>();

  const ask = async (member: Address): Promise<void> => {
    for (let pauseMs = firstPauseMs; !stop.signal.aborted; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      const timeoutMs = endMs - clock.nowMs();
      if (timeoutMs <= 0) return;
      try {
        const frames = (function* () {
          yield head;
          yield* packedFrames(items);
        })();
        const answer = await onlyFrame(
          parts.net.request(member, protocols.vote, frames, { timeoutMs, signal: stop.signal }),
        );
        const signature = voteOf(parts, digest, member, answer);
        if (signature) {
          signatures.push({ signer: member, signature });
          if (signatures.length >= quorum) resolve();
        } else {
          reasons.set(member, 'a vote that it has not signed');
          parts.net.blame(member, 'vote-invalid', invalidVotePoints);
        }
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        reasons.set(member, isNotariumError(error) ? error.message : String(error));
        // The block will not become better by asking again.
        if (isNotariumError(error, 'vote-refused') || isNotariumError(error, 'vote-conflict')) return;
      }
      await clock.sleep(Math.min(pauseMs, Math.max(0, endMs - clock.nowMs())), stop.signal);
    }
  };

  const asked = Promise.all(committee.members.filter((member) => member !== signer.address).map(ask));
  await Promise.race([enough, asked]);
  stop.abort();
  if (signatures.length >= quorum) return signatures;
  throw new NotariumError('quorum-unreachable', [...reasons].map(([who, why]) => `${who}: ${why}`).join('; '), {
    data: { have: signatures.length, want: quorum, slot: header.slot },
  });
}

/** The signature, if it is the member's. */
function voteOf(
  { crypto }: ReplicationParts,
  digest: Uint8Array,
  member: Address,
  answer: Uint8Array,
): Hex | undefined {
  try {
    const { signature } = readJson(voteAnswerSchema, answer);
    return recoverAddress(crypto, digest, signatureBytes(signature)) === member ? signature : undefined;
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    return undefined;
  }
}

function itemsOf({ ids, leafHashes }: BlockLeaves): Uint8Array {
  const items = new Uint8Array(2 * ids.length);
  for (let at = 0; at < ids.length; at += 32) {
    items.set(ids.subarray(at, at + 32), 2 * at);
    items.set(leafHashes.subarray(at, at + 32), 2 * at + 32);
  }
  return items;
}
