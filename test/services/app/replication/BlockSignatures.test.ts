import { expect } from 'chai';
import { BlockSignatures } from '../../../../services/app/replication/BlockSignatures.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { jsonFrame, onlyFrame, readJson, signaturesSchema } from '../../../../services/app/replication/wire.ts';
import { type BlockHeader, blockDigest, blockHash, zeroHash } from '../../../../services/core/block.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import type { Signer } from '../../../../services/core/signature.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { openVoter, slot, testNetwork, type Voter } from './replicationKit.ts';

describe('BlockSignatures', () => {
  const [own, publisher, third, fourth] = Array.from({ length: 4 }, randomSigner) as [Signer, Signer, Signer, Signer];
  const members = [own, publisher, third, fourth].map(({ address }) => address);
  const header: BlockHeader = {
    ...{ height: 1, slot, treeSize: 1, root: zeroHash, parent: zeroHash },
    ...{ epoch: 1, publisher: members[slot % 4]! },
  };
  const hash = blockHash(testNetwork, header);
  const by = async (signer: Signer) => ({
    signer: signer.address,
    signature: toHex(await signer.sign(blockDigest(testNetwork, header))),
  });

  let voter: Voter;
  let handler: RequestHandler | undefined;
  let asked: number;
  beforeEach(async () => {
    voter = await openVoter();
    asked = 0;
  });
  afterEach(() => voter[Symbol.asyncDispose]());

  /** With others that answer so. */
  function opened(answers: ReadonlyMap<string, unknown> = new Map()): BlockSignatures {
    const net: Partial<Net> = {
      handle: (_, given) => {
        handler = given;
      },
      peers: () => members.slice(1).map((address) => ({ address, isConnected: true, score: 0 })),
      async *request(peer) {
        asked++;
        if (!answers.has(peer)) throw new Error('it is away');
        yield jsonFrame(answers.get(peer));
      },
    };
    const chain = { committee: async () => ({ epoch: 1, members }) };
    const signatures = new BlockSignatures({ ...voter.parts, net, chain, signer: own } as unknown as ReplicationParts);
    signatures.serve();
    return signatures;
  }
  async function ask(wanted: Hash): Promise<string[]> {
    const frames = (async function* () {
      yield jsonFrame({ slot, hash: wanted });
    })();
    const answer = handler!(frames, publisher.address, AbortSignal.timeout(120_000));
    return readJson(signaturesSchema, await onlyFrame(answer)).map(({ signer }) => signer);
  }

  it('gives the signature of its vote again, that of the publisher, and no other', async () => {
    opened();
    expect(await ask(hash)).to.deep.equal([]);
    await voter.store.vote({ slot, hash, header });
    expect(await ask(hash)).to.deep.equal([own.address]);
    const shown = randomSigner();
    const theirs = { ...header, publisher: shown.address };
    const digest = blockDigest(testNetwork, theirs);
    voter.parts.seen.note({ header: theirs, signature: toHex(await shown.sign(digest)) });
    // Two blocks of one slot: a second signature would be an equivocation.
    expect(await ask(toHex(digest))).to.deep.equal([shown.address]);
    expect(await ask(hash)).to.deep.equal([own.address]);
  });

  it('puts a quorum together from what is right, and asks once', async () => {
    await voter.store.vote({ slot, hash, header });
    const wrong = { signer: fourth.address, signature: (await by(third)).signature };
    const signatures = opened(
      new Map<string, unknown>([
        [publisher.address, [await by(publisher)]],
        [third.address, [await by(third), wrong]],
        [fourth.address, 'nothing of the kind'],
      ]),
    );
    const [found, again] = await Promise.all([signatures.of(header), signatures.of(header)]);
    expect(found?.map(({ signer }) => signer)).to.deep.equal([own, publisher, third].map(({ address }) => address));
    expect(again).to.equal(found);
    expect(asked).to.equal(3);
  });

  it('has none where the others do not give a quorum', async () => {
    await voter.store.vote({ slot, hash, header });
    expect(await opened(new Map([[third.address, [await by(third)]]])).of(header)).to.equal(undefined);
  });
});
