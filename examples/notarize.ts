/**
 * Notarises a file and verifies the receipt, in ten lines.
 *
 *   npm start                            # in another terminal
 *   npx node examples/notarize.ts README.md
 */
import { writeFile } from 'node:fs/promises';
import { Notarium } from 'notarium';

// Account 8 of the well-known development mnemonic: for a local chain only, never for anything of value.
const privateKey =
  process.env.NOTARIUM_PRIVATE_KEY ?? '0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97';
const file = process.argv[2] ?? 'README.md';

const notary = new Notarium({
  url: process.env.NOTARIUM_URL ?? 'http://127.0.0.1:8080',
  rpcUrl: process.env.NOTARIUM_RPC_URL ?? 'http://127.0.0.1:8545',
  privateKey: privateKey as `0x${string}`,
});
const { id } = await notary.notarizeFile(file); // its SHA-256 and its name leave this machine
const receipt = await notary.waitForReceipt(id); // anchored, and checked offline
await writeFile(`${file}.receipt.json`, JSON.stringify(receipt, null, 2));
const { ok, steps } = await notary.verify(file, receipt); // by the committee's signatures, and by one eth_call
for (const { step, status } of steps) console.log(`${step}: ${status}`);
console.log(ok ? `${file} is notarised as record ${id}` : 'NOT VALID');
