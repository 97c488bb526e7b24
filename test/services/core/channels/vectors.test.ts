import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type Address, concat, fromHex, type Hash, type Hex, toHex } from '../../../../services/core/bytes.ts';
import { keyHashOf } from '../../../../services/core/channels/bill.ts';
import { channelIdOf, channelSchema } from '../../../../services/core/channels/channel.ts';
import {
  channelStateSchema,
  closeDigest,
  closingSchema,
  lockSchema,
  locksHashOf,
  packLocks,
  stateDigest,
} from '../../../../services/core/channels/state.ts';
import { portableCrypto } from '../../../../services/core/crypto.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../../../../services/core/log/compactRange.ts';
import { hashLeafDigests } from '../../../../services/core/sha256.ts';
import { recoverAddress } from '../../../../services/core/signature.ts';

type Signed = { readonly channelId: Hash; readonly hash: Hash; readonly signatures: Hex };
type Texts = Readonly<Record<string, string>>;
type Vectors = {
  readonly domain: { readonly chainId: string; readonly verifyingContract: Address };
  readonly ids: readonly { readonly channel: Texts; readonly channelId: Hash }[];
  readonly states: readonly (Signed & { readonly state: Texts })[];
  readonly closings: readonly (Signed & { readonly closing: Texts })[];
  readonly locks: readonly { readonly locks: readonly Texts[]; readonly packed: Hex; readonly hash: Hash }[];
  readonly trees: readonly {
    readonly digests: readonly Hash[];
    readonly root: Hash;
    readonly frontier: readonly Hash[];
  }[];
};

const file = new URL('../../../vectors/channels.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const network = {
  chainId: Number(vectors.domain.chainId),
  contract: vectors.domain.verifyingContract.toLowerCase() as Address,
};
const numbers = new Set(['challengeSeconds', 'version', 'evidenceCount', 'expiry']);
/** As the formats of the exchange have it: addresses in lower case, integers that fit as numbers. */
const formOf = (texts: Texts): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      name,
      numbers.has(name) ? Number(text) : text.startsWith('0x') ? text.toLowerCase() : text,
    ]),
  );
const fits = ({ evidenceCount }: Texts): boolean => BigInt(evidenceCount!) <= BigInt(Number.MAX_SAFE_INTEGER);

/** RFC 9162, section 2.1.1, word for word, by OpenSSL. */
function treeHash(leaves: readonly Uint8Array[]): Buffer {
  const sha256 = (...parts: Uint8Array[]): Buffer =>
    createHash('sha256')
      .update(concat(...parts))
      .digest();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

describe('test/vectors/channels.json: what the contract says, this side says too', () => {
  const channels = new Map(
    vectors.ids.map(({ channel, channelId }) => [channelId, channelSchema.parse(formOf(channel))] as const),
  );
  const expectBoth = ({ channelId, hash, signatures }: Signed): void => {
    const bytes = fromHex(signatures);
    const signers = [bytes.subarray(0, 64), bytes.subarray(64)].map((one) =>
      recoverAddress(portableCrypto, fromHex(hash), one),
    );
    const { requester, verifier } = channels.get(channelId)!;
    expect(signers).to.deep.equal([requester, verifier]);
  };

  it('ids of channels', () => {
    expect(vectors.ids).to.have.length(2);
    for (const [channelId, channel] of channels) expect(channelIdOf(network, channel)).to.equal(channelId);
  });

  it('hashes of states, and who has signed them', () => {
    const ours = vectors.states.filter(({ state }) => fits(state));
    expect(ours).to.have.length(4);
    for (const signed of ours) {
      const state = channelStateSchema.parse(formOf(signed.state));
      expect(toHex(stateDigest(network, signed.channelId, state))).to.equal(signed.hash);
      expectBoth(signed);
    }
  });

  it('hashes of closings, and who has signed them', () => {
    const ours = vectors.closings.filter(({ closing }) => fits(closing));
    expect(ours).to.have.length(4);
    for (const signed of ours) {
      const closing = closingSchema.parse(formOf(signed.closing));
      expect(toHex(closeDigest(network, signed.channelId, closing))).to.equal(signed.hash);
      expectBoth(signed);
    }
  });

  it('counts of evidence that no JSON number holds are refused, not rounded', () => {
    const others = [
      ...vectors.states.map(({ state }) => state),
      ...vectors.closings.map(({ closing }) => closing),
    ].filter((texts) => !fits(texts));
    expect(others).to.have.length(4);
    for (const texts of others) {
      const schema = 'version' in texts ? channelStateSchema : closingSchema;
      expect(schema.safeParse(formOf(texts)).success).to.equal(false);
    }
  });

  it('packed locks, their hash, and hashes of their keys', () => {
    expect(vectors.locks.map(({ locks }) => locks.length)).to.deep.equal([0, 1, 3]);
    for (const { locks, packed, hash } of vectors.locks) {
      const ours = locks.map(({ key, ...lock }) => {
        expect(keyHashOf(key as Hash)).to.equal(lock.keyHash);
        return lockSchema.parse(formOf(lock));
      });
      expect(toHex(packLocks(ours))).to.equal(packed);
      expect(locksHashOf(ours)).to.equal(hash);
    }
  });

  it('total digests and frontiers, as RFC 9162 defines them', () => {
    expect(vectors.trees.map(({ digests }) => digests.length)).to.deep.equal([1, 2, 3, 4, 7, 8, 13]);
    for (const { digests, root, frontier } of vectors.trees) {
      const grown = appendLeaves(emptyFrontier, hashLeafDigests(concat(...digests.map(fromHex))));
      expect(toHex(rootOf(grown))).to.equal(root);
      expect(grown.peaks.map(toHex)).to.deep.equal(frontier);
      expect(toHex(treeHash(digests.map(fromHex)))).to.equal(root);
    }
  });
});
