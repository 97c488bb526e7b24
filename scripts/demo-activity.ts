/**
 * A purchase among buyer, seller, carrier and a regulator, each a centre of its own, with a neighbour that has no part in it: real JSON
 * documents and a file, an update conflict and its merge, a member that is away and comes back, a certificate that all have signed, a
 * member removed, and one field shown to the neighbour. Ends by itself with exit code 0, or with 1 when anything was not as it must be.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { makeDisclosure } from '../services/core/activities/disclosure.ts';
import { verifyDisclosure } from '../services/core/activities/verifyDisclosure.ts';
import { type Hash, isNotariumError, verifyDigest } from '../services/index.ts';
import { type DemoCentre, startDemoCentres } from './support/demoCentres.ts';
import { ensureBuilt } from './support/ensureBuilt.ts';
import { Expectations } from './support/expectations.ts';
import { type LocalCentre, startLocalCentre } from './support/localCentre.ts';
import { settled as untilSettled } from './support/settled.ts';
import { startChain } from './support/startChain.ts';
import { stopping } from './support/stopping.ts';
import { untilConnected } from './support/untilConnected.ts';

const limitMs = 60_000;
const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const expectations = new Expectations(say);

const order = {
  order: 'PO-2026-1122',
  goods: [{ name: 'Copper cable 4x16', metres: 1200 }],
  price: { amount: 41_000, currency: 'EUR' },
  delivery: { by: '2026-12-15', to: 'Ghent, dock 7' },
};
const schema = {
  type: 'object',
  required: ['order', 'price'],
  properties: { order: { type: 'string' }, price: { type: 'object', required: ['amount', 'currency'] } },
};
const secrets = ['PO-2026', 'Copper', 'Ghent', 'drawing', 'Centre '];

const settled = <T>(look: () => Promise<T>, isSettled: (value: T) => boolean): Promise<T> =>
  untilSettled(look, isSettled, { limitMs, pauseMs: 100 });

const codeOf = (error: unknown): string => (isNotariumError(error) ? error.code : String(error));
const bodyAt = async ({ client }: DemoCentre, activity: Hash, message: Hash): Promise<unknown> => {
  const found = await settled(
    () => client.activities.message(activity, message).catch(codeOf),
    (seen) => typeof seen !== 'string',
  );
  if (typeof found === 'string') return found;
  return 'body' in found.parcel.body ? found.parcel.body.body : 'in fields';
};
const headsAt = async ({ client }: DemoCentre, activity: Hash, count: number): Promise<readonly Hash[]> =>
  await settled(
    async () => (await client.activities.get(activity)).heads,
    ({ length }) => length === count,
  );

ensureBuilt(say);
const base = await mkdtemp(join(tmpdir(), 'notarium demo '));
const chain = await startChain({ kind: 'anvil', detached: true });
const { rpcUrl } = chain;
let restarted: LocalCentre | undefined;
const { centres, contract } = await startDemoCentres({ count: 5, base, rpcUrl, say });
try {
  const [buyer, seller, carrier, regulator, neighbour] = centres as [
    DemoCentre,
    DemoCentre,
    DemoCentre,
    DemoCentre,
    DemoCentre,
  ];
  const parties = [seller, carrier, regulator];

  say('\nThe buyer orders from the seller, with the carrier; a regulator looks on');
  const drawing = Buffer.from('a drawing of the cable, as a file beside the order\n'.repeat(20_000));
  const attachment = await buyer.client.activities.putAttachment({
    ...{ name: 'drawing.txt', mediaType: 'text/plain' },
    content: (async function* () {
      yield drawing;
    })(),
  });
  const { activity, message: first } = await buyer.client.activities.start({
    ...{ kind: 'industrial', request: 'both', schema, body: order, attachments: [attachment] },
    ...{ receivers: [seller.name, carrier.name], regulators: [regulator.name] },
  });
  for (const party of parties) {
    const read = isDeepStrictEqual(await bodyAt(party, activity, first), order);
    expectations.check(`${party.name} reads the order`, read, true);
  }
  const states = await settled(
    async () => (await buyer.client.activities.deliveries(activity, first)).map(({ state }) => state),
    (seen) => seen.every((state) => state === 'read'),
  );
  expectations.check('the buyer sees that all have read it', states, ['read', 'read', 'read']);
  const { content } = await seller.client.activities.attachment(activity, { message: first, index: 0 });
  const received = Buffer.concat(await Array.fromAsync(content));
  expectations.check('the seller has the file', received.equals(drawing), true);
  const wrong = await seller.client.activities.update(activity, { body: { order: 7 } }).catch(codeOf);
  expectations.check('what is not of the schema is refused', wrong, 'activity-body-invalid');

  say('\nBuyer and seller change the price at the same time');
  let torn: readonly Hash[] = [];
  for (let round = 0; torn.length < 2 && round < 20; round++) {
    const [builds] = (await headsAt(buyer, activity, 1)) as [Hash];
    await headsAt(seller, activity, 1);
    const offers = [
      buyer.client.activities.update(activity, {
        builds: [builds],
        body: { ...order, price: { amount: 39_000, currency: 'EUR' } },
      }),
      seller.client.activities.update(activity, {
        builds: [builds],
        body: { ...order, price: { amount: 40_500, currency: 'EUR' } },
      }),
    ];
    const outcomes = await Promise.allSettled(offers);
    const sent = outcomes.filter(({ status }) => status === 'fulfilled').length;
    torn = await headsAt(carrier, activity, sent);
    await Promise.all([buyer, seller].map((one) => headsAt(one, activity, sent)));
  }
  expectations.check('both versions are kept', torn.length, 2);
  const agreed = { ...order, price: { amount: 40_000, currency: 'EUR' } };
  const { message: merged } = await carrier.client.activities.update(activity, { builds: torn, body: agreed });
  const isMerged = isDeepStrictEqual(await bodyAt(buyer, activity, merged), agreed);
  expectations.check('the carrier brings them together', isMerged, true);
  const left = await Promise.all([buyer, seller, regulator].map((one) => headsAt(one, activity, 1)));
  expectations.check('that version is left, for all', left.flat().filter((id) => id === merged).length, 3);
  const note = await regulator.client.activities.update(activity, { body: agreed }).catch(codeOf);
  expectations.check('the regulator reads and notes, and changes nothing', note, 'activity-role');

  say('\nThe carrier is away');
  await carrier.stop();
  const { message: dated } = await buyer.client.activities.update(activity, {
    body: { ...agreed, delivery: { by: '2026-12-20', to: 'Ghent, dock 7' } },
  });
  await bodyAt(seller, activity, dated);
  const queued = await buyer.client.activities.deliveries(activity, dated);
  const atCarrier = queued.find(({ member }) => member === carrier.address)?.state;
  expectations.check('the others have it, for the carrier it waits', atCarrier, 'queued');
  const port = Number(new URL(carrier.url).port);
  const args = ['--log-level', 'silent'];
  restarted = await startLocalCentre({
    dataDir: carrier.dataDir,
    port,
    rpcUrl,
    contract,
    label: 'Centre 3',
    threads: 1,
    args,
  });
  await untilConnected([{ name: carrier.name, url: carrier.url }], { limitMs, signal: stopping });
  const caughtUp = (await bodyAt(carrier, activity, dated)) as typeof order;
  expectations.check('back again, it has caught up', caughtUp.delivery.by, '2026-12-20');

  say('\nAll countersign');
  for (const party of parties) await party.client.activities.countersign(activity, dated);
  const certificate = await settled(
    () => seller.client.activities.certificate(activity, dated).catch(codeOf),
    (seen) => typeof seen !== 'string',
  );
  const signers = typeof certificate === 'string' ? certificate : certificate.signatures.length;
  expectations.check('members that have signed the certificate', signers, 4);

  say('\nThe carrier is removed');
  await buyer.client.activities.changeMembers(activity, { remove: [carrier.name] });
  const { message: later } = await buyer.client.activities.update(activity, { body: agreed, fields: true });
  expectations.check('the seller has what comes later', await bodyAt(seller, activity, later), 'in fields');
  const unread = await carrier.client.activities.message(activity, later).catch(codeOf);
  expectations.check('the carrier has not', unread, 'not-found');

  say('\nThe neighbour');
  const known = await Array.fromAsync(neighbour.client.activities.list());
  expectations.check('sees no activity', known.length, 0);
  const subjects = new Set<string>();
  let named = 0;
  for (const message of [first, dated, later]) {
    const { entry } = await buyer.client.activities.receipt(activity, message, { waitSeconds: 60 });
    const text = Buffer.from(entry, 'base64').toString();
    const addresses = centres.map(({ address }) => address.slice(2));
    named += [...secrets, ...addresses, activity.slice(2), message.slice(2)].filter((word) =>
      text.includes(word),
    ).length;
    subjects.add((JSON.parse(text) as { subject: string }).subject);
  }
  expectations.check('names, members or content in the log', named, 0);
  expectations.check('groups that the records seem to be of', subjects.size, 3);
  const shown = await seller.client.activities.message(activity, later);
  const receipt = await buyer.client.activities.receipt(activity, later, { waitSeconds: 60 });
  const disclosure = makeDisclosure({ ...shown.parcel, id: later }, shown.seal, { body: ['/price/amount'] });
  const isSecretKept = !JSON.stringify(disclosure).includes('Ghent');
  const network = (await neighbour.client.network()).trusted.network;
  const verdict = await verifyDisclosure(disclosure, receipt, {
    verifyRecord: (digest, given) => verifyDigest(digest, given, { network, rpcUrl }),
  });
  expectations.check('is shown the price alone, and can check it', [verdict.ok, isSecretKept], [true, true]);
} catch (error) {
  // What is stopped under it may fail in any way.
  if (!stopping.aborted) throw error;
} finally {
  await restarted?.stop();
  await Promise.all(centres.map((centre) => centre.stop()));
  await chain.stop();
  await rm(base, { recursive: true, force: true });
}

expectations.conclude();
