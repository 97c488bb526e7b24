import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ChannelReceipt, channelReceiptText } from '../../../services/core/channels/channelReceipt.ts';
import { type CliPlace, type CliRun, cli } from '../../support/cliKit.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { type PaidChannel, paidChannel, randomParty } from '../core/channels/channelReceiptKit.ts';

describe('notarium verify with the receipt of an evidence channel', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  let paid: PaidChannel;
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    paid = await paidChannel();
    await writeFile(join(folder.path, 'file'), paid.contents[1]!);
    await writeFile(join(folder.path, 'member'), paid.batch[2]!);
  });
  after(() => folder[Symbol.asyncDispose]());

  const verify = async (file: string, receipt: ChannelReceipt | string, ...flags: string[]): Promise<CliRun> => {
    const text = typeof receipt === 'string' ? receipt : channelReceiptText(receipt);
    await writeFile(join(folder.path, `${file}.receipt.json`), text);
    return cli(place, 'verify', file, ...flags);
  };
  const channels = (): string[] => ['--channels', paid.network.contract];

  it('says what each step has shown, offline', async () => {
    const run = await verify('file', paid.receipts[1]!, ...channels());
    expect(run.code, run.stderr).to.equal(0);
    expect(run.stdout).to.match(/^✓ content +these very bytes are what the bill is for$/m);
    expect(run.stdout).to.match(/^✓ inclusion +it is piece 1 of 7 under the total digest 0x[0-9a-f]{64}$/m);
    expect(run.stdout).to.match(/^✓ state +both have signed that total digest, in version 2$/m);
    expect(run.stdout).to.contain('whether to trust it is for you to say').and.contain('the chain was not asked');
    expect(run.stdout).to.match(/^VALID$/m);
    const trusted = await verify('member', paid.members[2]!, ...channels(), '--verifier', paid.verifier.address);
    expect(trusted.code, trusted.stdout).to.equal(0);
    expect(trusted.stdout).to.contain('member 2 of the 5').and.contain('whom you trust');
    const told = await verify('file', paid.receipts[1]!, ...channels(), '--json');
    expect(told.json()).to.deep.include({ ok: true, exitCode: 0, online: false, verifier: paid.verifier.address });
  });

  it('has an exit code for each cause', async () => {
    const receipt = paid.receipts[1]!;
    const { bill, statements } = receipt;
    const codes: [number, CliRun][] = [
      [96, await verify('member', receipt, ...channels())],
      [96, await verify('file', paid.members[2]!, ...channels())],
      [15, await verify('file', receipt, '--channels', randomParty().address)],
      [97, await verify('file', receipt, ...channels(), '--verifier', randomParty().address)],
      [97, await verify('file', { ...receipt, bill: { ...bill, amount: 1n } }, ...channels())],
      [97, await verify('file', { ...receipt, statements: [statements[1], statements[0]] }, ...channels())],
      [98, await verify('file', { ...receipt, proof: { ...receipt.proof, leafIndex: 2 } }, ...channels())],
      [100, await verify('file', { ...receipt, state: undefined }, ...channels())],
      [95, await verify('file', channelReceiptText(receipt).replace('"count": 1', '"count": "1"'), ...channels())],
      [10, await verify('file', '{"format":"notarium-receipt/1"}', ...channels())],
      [23, await verify('file', receipt)],
      [2, await verify('file', receipt, ...channels(), '--verifier', 'somebody')],
    ];
    for (const [index, [want, run]] of codes.entries()) {
      expect(run.code, `case ${index}: ${run.stdout}${run.stderr}`).to.equal(want);
    }
  });
});
