import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Hash, toHex } from '../../services/core/bytes.ts';
import {
  channelEvidence,
  evidenceChannelsIn,
  hashContent,
  openEvidenceChannel,
  type SentOutcome,
  useEvidenceChannel,
  verifyChannelReceipt,
} from '../../services/index.ts';
import { channelSigner } from '../../services/lib/channelSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { devAddress, devKey } from '../support/chains.ts';
import { type ChannelPlace, requesterIndex, startChannelPlace } from '../support/channelCli.ts';
import { expectCode } from '../support/expectCode.ts';

const bytes = (index: number): Uint8Array => Buffer.from(`measurement ${index}`);

describe('evidence channels by the library', () => {
  let place: ChannelPlace;
  let folder: string;
  let channelId: Hash;
  before(async () => {
    place = await startChannelPlace();
    folder = join(place.folder, 'channels');
  });
  after(() => place?.[Symbol.asyncDispose]());
  const terms = (contract = place.contract) => ({
    ...{ rpcUrl: place.chain.rpcUrl, url: place.verifier.url, folder, contract, amount: 10n ** 9n },
  });
  const statuses = (outcomes: readonly SentOutcome[]): string[] => outcomes.map(({ status }) => status);

  it('has what many callers send at once preserved in few bills, each content once', async () => {
    await using channel = await openEvidenceChannel({ ...terms(), privateKey: devKey(requesterIndex) });
    ({ channelId } = channel);
    const sent = await Promise.all(Array.from({ length: 200 }, (_, index) => channel.send(bytes(index % 100))));
    for (const one of sent) expect(['preserved', 'kept']).to.include(one[0]!.status);
    const { status, evidenceCount, verifierBalance, openLocks } = await channel.status();
    expect({ status, openLocks }).to.deep.equal({ status: 'open', openLocks: 0 });
    expect(evidenceCount).to.be.at.most(20);
    // 100 items at 1,000, and a byte's share of 5,000 a mebibyte for each bill, rounded up.
    expect(verifierBalance >= 100_000n && verifierBalance < 100_200n, `${verifierBalance}`).to.equal(true);
  });

  it('refuses another contract, another key, and what is no key, before anything is paid', async () => {
    const known = await readdir(folder);
    const privateKey = devKey(requesterIndex);
    await expectCode('channel-invalid', openEvidenceChannel({ ...terms(place.account), privateKey }));
    await expectCode('config-invalid', openEvidenceChannel({ ...terms(), privateKey: '0x12' }));
    await expectCode('config-invalid', openEvidenceChannel({ ...terms(), privateKey: new Uint8Array(32) }));
    await expectCode('key-missing', useEvidenceChannel({ ...terms(), channelId, privateKey: devKey(4) }));
    const unknown = `0x${'11'.repeat(32)}` as const;
    await expectCode('channel-unknown', useEvidenceChannel({ ...terms(), channelId: unknown, privateKey }));
    expect(await readdir(folder)).to.deep.equal(known);
  });

  it('goes on in another process with a signer of the caller, settles, and gives receipts that verify', async () => {
    const signer = channelSigner(devKey(requesterIndex), await loadCrypto());
    const [known] = await evidenceChannelsIn(folder);
    expect(known).to.include({ channelId, isSettled: false });
    expect(known!.channel.requester).to.equal(devAddress(requesterIndex));
    await using channel = await useEvidenceChannel({ ...terms(), channelId, signer });
    const stream = {
      content: (async function* () {
        yield bytes(7);
        yield bytes(8);
      })(),
      name: 'two in one',
    };
    expect(statuses(await channel.send([bytes(7), stream, bytes(1000)]))).to.deep.equal([
      'kept',
      'preserved',
      'preserved',
    ]);
    const { evidenceCount } = await channel.close();
    expect((await channel.status()).end).to.include({ evidenceCount });
    expect((await evidenceChannelsIn(folder))[0]).to.include({ isSettled: true });
    const receiptOf = await channel.receipts();
    const { network } = channel;
    for (const index of [0, 7, 99, 1000]) {
      const { digest } = await hashContent(bytes(index));
      const { ok, steps } = await verifyChannelReceipt((await receiptOf(toHex(digest)))!, {
        ...{ contentDigest: digest, network, verifier: place.account },
        chainEvidence: (query) => channelEvidence({ ...query, rpcUrl: place.chain.rpcUrl, network }),
      });
      expect(ok, JSON.stringify(steps)).to.equal(true);
    }
    expect(await receiptOf(toHex((await hashContent(bytes(2000))).digest))).to.equal(undefined);
    await channel.stop();
    await expectCode('channel-state', channel.send(bytes(3000)));
  });

  it('does not wait for ever for the agreement of a verifier that is gone, and says how to do without', async () => {
    const key = { privateKey: devKey(requesterIndex) };
    const opened = await openEvidenceChannel({ ...terms(), ...key });
    expect(statuses(await opened.send(bytes(1)))).to.deep.equal(['preserved']);
    await opened.stop();
    await place.verifier.stop();
    await using channel = await useEvidenceChannel({
      ...{ ...terms(), ...key, channelId: opened.channelId, agreementMs: 1_000 },
    });
    const error = await expectCode('server-unreachable', channel.close());
    expect(error.message).to.match(/closing alone \(--alone\) needs no verifier/);
    expect(await channel.status())
      .to.include({ evidenceCount: 1 })
      .and.not.have.property('end');
  });
});
