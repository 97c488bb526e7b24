/**
 * Begins a private activity with another centre, and shows one field of it to a third party, who verifies that.
 *
 *   npm start -- --centres 2             # in another terminal
 *   NOTARIUM_API_KEY=$(cat .notarium/hardhat-*\/centre-1/admin-key) npx node examples/activity.ts "Centre 2"
 */
import { setTimeout as pause } from 'node:timers/promises';
import { disclosureText, Notarium, parseDisclosure, verifyActivityDisclosure } from 'notarium';

const rpcUrl = process.env.NOTARIUM_RPC_URL ?? 'http://127.0.0.1:8545';
const notary = new Notarium({
  url: process.env.NOTARIUM_URL ?? 'http://127.0.0.1:8080', // the centre of your own organisation, which reads along
  apiKey: process.env.NOTARIUM_API_KEY ?? '',
  rpcUrl,
});
const { activities } = notary;
const { activity, message } = await activities.start({
  kind: 'industrial',
  request: 'information',
  receivers: [process.argv[2] ?? 'Centre 2'],
  body: { article: 'pumps', price: { amount: 12, currency: 'EUR' } },
  fields: true, // each field can be shown without the others
});
while ((await activities.deliveries(activity, message)).some(({ state }) => state === 'queued')) await pause(200);
console.log(`activity ${activity} has come to its members`);

const disclosure = await activities.disclose(activity, message, { body: ['price.amount'] }, { waitSeconds: 120 });
const file = disclosureText(disclosure); // to whom it concerns, by mail or on paper

// The third party asks no centre. It knows the contract from a source that it trusts; here it is the one that the client has pinned.
const { network } = (await notary.network()).trusted;
const { ok, shown } = await verifyActivityDisclosure(parseDisclosure(file), { network, rpcUrl });
console.log(ok ? `notarised: ${JSON.stringify(shown.body?.value)}` : 'NOT VALID');
