import { expect } from 'chai';
import type { VerifierApi } from '../../../../../services/app/channels/VerifierApi.ts';
import type { Hash } from '../../../../../services/core/bytes.ts';
import { type Bill, billDigest } from '../../../../../services/core/channels/bill.ts';
import { nextLedger, stateOf } from '../../../../../services/core/channels/ledger.ts';
import { digestOf } from '../../../../../services/core/channels/party.ts';
import { changeOf, type Update } from '../../../../../services/core/channels/update.ts';
import { channelSigner } from '../../../../../services/lib/channelSigner.ts';
import { loadCrypto } from '../../../../../services/lib/nativeCrypto.ts';
import { devKey } from '../../../../support/chains.ts';
import { expectCode } from '../../../../support/expectCode.ts';
import {
  billSeconds,
  digestOf as digestOfText,
  type EndingsKit,
  endingsKit,
  endOf,
  expectProof,
  preserveAll,
  price,
  uploaded,
  type VerifierProcess,
} from './endingsKit.ts';
import { faultyWire } from './faultyWire.ts';

const verifierSigner = channelSigner(devKey(1), await loadCrypto());
const another = `0x${'ab'.repeat(32)}` as Hash;

describe('endings where one side says another thing than was agreed', () => {
  let kit: EndingsKit;
  let verifier: VerifierProcess;
  let made = 0;
  before(async () => {
    kit = await endingsKit();
    verifier = await kit.verifier(1, 'verifier');
  });
  after(() => kit?.[Symbol.asyncDispose]());

  /** A verifier that changes the bill that it gives, and signs what it has changed. */
  const changing =
    (change: (bill: Bill) => Partial<Bill>, isSigned = true) =>
    (api: VerifierApi): VerifierApi => ({
      ...api,
      async bills(channelId, requests) {
        return (await api.bills(channelId, requests)).map((answer) => {
          if (!('signed' in answer)) return answer;
          const bill = { ...answer.signed.bill, ...change(answer.signed.bill) };
          const signature = isSigned
            ? verifierSigner.sign(billDigest(kit.chain.deployed.network, bill))
            : answer.signed.signature;
          return { signed: { bill, signature } };
        });
      },
    });

  const bills: readonly (readonly [string, (bill: Bill) => Partial<Bill>, boolean?])[] = [
    ['digest', () => ({ digest: another })],
    ['count', () => ({ count: 2 })],
    ['amount', ({ amount }) => ({ amount: amount + 1n })],
    ['expiry', ({ expiry }) => ({ expiry: expiry + 2 * billSeconds })],
    ['channel', () => ({ channelId: another })],
    ['signature', ({ keyHash }) => ({ keyHash: `0x${keyHash.slice(2).split('').reverse().join('')}` as Hash }), false],
  ];
  for (const [what, change, isSigned] of bills) {
    it(`a bill with another ${what} is not paid, and the channel ends with what was`, async () => {
      const channel = await kit.open(1);
      const channelId = kit.idOf(channel);
      let isChanged = false;
      const wire = faultyWire(verifier.desk, (api) => ({
        ...api,
        bills: (id, requests) => (isChanged ? changing(change, isSigned)(api) : api).bills(id, requests),
      }));
      const side = await kit.requester(channel, `requester ${++made}`, wire.api);
      const name = `paid ${made}`;
      await preserveAll(verifier, channelId, side, [name]);
      isChanged = true;
      const item = await uploaded(verifier, channelId, `unpaid ${made}`);
      await expectCode('bill-mismatch', side.requester.preserve(item));
      expect(side.requester.memory.ledger.locks).to.deep.equal([]);
      void side.requester.closeTogether().catch(() => undefined);
      expect(await endOf(kit, channelId)).to.deep.equal({ paid: price, count: 1 });
      await expectProof(kit, await side.receipt(digestOfText(name)), name);
      await side.stop();
    });
  }

  it('an update by which less is locked, or another bill, or more is held, is not signed', async () => {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const side = await kit.requester(channel, `requester ${++made}`, verifier.desk);
    await preserveAll(verifier, channelId, side, ['honest']);
    const { party, memory } = side.requester;
    const { uploads, digest, count } = await uploaded(verifier, channelId, 'cheap');
    const [answer] = await verifier.desk.bills(channelId, [{ uploads, digest, count }]);
    const { bill } = (answer as { signed: { bill: Bill } }).signed;
    const { ledger } = memory;
    const propose = (changes: Partial<Bill>, more: Partial<Update> = {}): Promise<unknown> => {
      const update = {
        ...{ channelId, baseVersion: ledger.version, version: ledger.version + 1, held: ledger.held },
        ...{ folds: [], drops: [], adds: [bill.id], ...more },
      };
      const next = nextLedger(ledger, changeOf(update, [{ ...bill, ...changes }]));
      const signature = party.signer.sign(digestOf(party, stateOf(next)));
      return verifier.desk.update({ ...update, signature });
    };
    for (const changes of [
      { amount: 1n },
      { digest: another },
      { expiry: bill.expiry - billSeconds },
      { keyHash: another },
    ])
      await expectCode('channel-update-invalid', propose(changes));
    await expectCode('bill-unknown', propose({}, { adds: [another] }));
    await expectCode('channel-invalid', propose({}, { held: ledger.held + 1n }));
    expect((await verifier.desk.channel(channelId)).latest).to.deep.equal(memory.latest);
    await verifier.desk.withdraw(channelId, bill.id);
    await expectCode('bill-unknown', propose({}));
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: price, count: 1 });
    await side.stop();
  });
});
