/**
 * Has files and a stream of many measurements preserved through an evidence channel, settles it, and verifies a receipt.
 *
 *   npx node examples/channel.ts README.md docs      # while the verifier of "Evidence channels" in the README runs
 */
import { channelEvidence, hashContent, openEvidenceChannel, type SentOutcome, verifyChannelReceipt } from 'notarium';

// Account 8 of the well-known development mnemonic: for a local chain only, never for anything of value.
const privateKey = (process.env.NOTARIUM_PRIVATE_KEY ??
  '0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97') as `0x${string}`;
const rpcUrl = process.env.NOTARIUM_RPC_URL ?? 'http://127.0.0.1:8545';
const contract = process.env.NOTARIUM_CHANNELS as `0x${string}`; // EvidenceChannels, from a source that you trust
const url = process.env.NOTARIUM_VERIFIER_URL ?? 'http://127.0.0.1:8090';

const channel = await openEvidenceChannel({
  ...{ rpcUrl, contract, url, privateKey },
  amount: 10n ** 16n, // 0.01 ether
  folder: '.notarium/channels', // keys to the deposit: back it up
});
// Files and folders: uploaded, verified, billed and paid for when this returns.
for (const { status, path } of await channel.send(process.argv.slice(2))) console.log(`${status} ${path}`);

// A stream of many, in bounded memory; bytes, paths, and streams as { content } go together as they come.
async function* measurements() {
  for (let index = 1; index <= 1000; index++) yield Buffer.from(`measurement ${index}`);
}
let last: SentOutcome | undefined;
for await (const outcome of channel.sendEach(measurements())) {
  if (outcome.status === 'failed') throw outcome.error; // sent again, it goes on where it stopped
  last = outcome;
}

const { transactionHash } = await channel.close(); // the end; without it, useEvidenceChannel goes on with the channel
const receiptOf = await channel.receipts();
const receipt = (await receiptOf(last!.digest!))!;
const { network } = channel;
const { ok, steps } = await verifyChannelReceipt(receipt, {
  contentDigest: (await hashContent(Buffer.from('measurement 1000'))).digest,
  network,
  chainEvidence: (query) => channelEvidence({ ...query, rpcUrl, network }),
});
for (const { step, status } of steps) console.log(`${step}: ${status}`);
console.log(ok ? `measurement 1000 is proved by the settlement ${transactionHash}` : 'NOT VALID');
await channel.stop();
