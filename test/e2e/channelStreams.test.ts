import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Interface } from 'ethers';
import { coin } from '../../services/cli/channels/amounts.ts';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { parseChannelReceipt } from '../../services/core/channels/channelReceipt.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { devAddress } from '../support/chains.ts';
import { type ChannelPlace, requesterIndex, startChannelPlace } from '../support/channelCli.ts';
import { deployToken } from '../support/channels.ts';
import { until } from '../support/until.ts';

const erc20 = new Interface(['function balanceOf(address) view returns (uint256)']);

describe('evidence channels by commands: tokens, and streams of many', () => {
  let place: ChannelPlace;
  let token: Address;
  let channelId: Hash;
  const deposit = 1_000_000n;
  const supply = 5_000_000n;

  const balanceOf = async (owner: Address): Promise<bigint> => {
    const data = erc20.encodeFunctionData('balanceOf', [owner]);
    return BigInt((await jsonRpc(place.chain.rpcUrl)('eth_call', [{ to: token, data }, 'latest'])) as string);
  };
  const linesOf = (stdout: string): Record<string, unknown>[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  before(async () => {
    place = await startChannelPlace(async (rpcUrl) => {
      token = await deployToken(rpcUrl, devAddress(requesterIndex), supply);
      return { tokens: [token, coin] };
    });
    for (const name of ['a', 'b']) {
      await mkdir(join(place.folder, name));
      await writeFile(join(place.folder, name, 'photo.txt'), `photo of ${name}\n`);
    }
    await writeFile(join(place.folder, 'two\nlines.txt'), 'a name with a line feed\n');
  });
  after(() => place?.[Symbol.asyncDispose]());

  it('opens a channel in a token, which is approved and paid in', async () => {
    const opened = await place.run([
      ...['channel', 'open', '--url', place.verifier.url, '--amount', `${deposit}`, '--token', token, '--json'],
    ]);
    expect(opened.code, opened.output).to.equal(0);
    const answer = JSON.parse(opened.stdout);
    ({ channelId } = answer);
    expect(answer.channel).to.include({ token, amount: `${deposit}` });
    expect(await balanceOf(devAddress(requesterIndex))).to.equal(supply - deposit);
    expect(await balanceOf(place.contract)).to.equal(deposit);
  });

  it('refuses what the verifier would not take before anything is paid', async () => {
    const { rpcUrl } = place.chain;
    const coins = async () => await jsonRpc(rpcUrl)('eth_getBalance', [devAddress(requesterIndex), 'latest']);
    const had = await coins();
    const open = async (...args: string[]): Promise<[string, number | null]> => {
      const { code, stdout } = await place.run(['channel', 'open', '--url', place.verifier.url, ...args, '--json']);
      return [JSON.parse(stdout).error.code, code];
    };
    expect(await open('--amount', '9', '--token', place.contract)).to.deep.equal(['channel-invalid', 88]);
    expect(await open('--amount', '9', '--token', token, '--challenge', '59')).to.deep.equal(['channel-invalid', 88]);
    expect(await open('--amount', '9', '--token', `${token}0`)).to.deep.equal(['usage-invalid', 2]);
    expect(await coins()).to.equal(had);
    expect(await open('--amount', `${supply}`, '--token', token)).to.deep.equal(['channel-invalid', 88]);
    expect(await open('--amount', '999999ether')).to.deep.equal(['chain-funds-missing', 63]);
    // What never was on chain is no channel that could be meant.
    const known = await place.run(['channel', 'status', '--json']);
    expect(JSON.parse(known.stdout)).to.include({ channelId });
    expect(await balanceOf(place.contract)).to.equal(deposit);
  });

  it('sends files whose paths come by standard input, and tells of each on a line', async () => {
    const list = ['a/photo.txt', 'b/photo.txt', 'missing.txt', ''].join('\n');
    const sent = await place.run(
      ['channel', 'send', '--files-from', '-', '--out', 'kept', '--json', '--channel', channelId],
      list,
    );
    const lines = linesOf(sent.stdout);
    expect(lines.slice(0, -1).map(({ path, status }) => [path, status])).to.deep.equal([
      [join(place.folder, 'a/photo.txt'), 'preserved'],
      [join(place.folder, 'b/photo.txt'), 'preserved'],
      [join(place.folder, 'missing.txt'), 'failed'],
    ]);
    expect(lines.at(-1)).to.deep.include({ ok: false, preserved: 2, kept: 0, failed: 1, receipts: 2 });
    expect(sent.code).to.equal(lines.at(-1)!.exitCode);
    expect(await readdir(join(place.folder, 'kept'), { recursive: true })).to.include.members([
      join('a', 'photo.txt.receipt.json'),
      join('b', 'photo.txt.receipt.json'),
    ]);
  });

  it('takes paths that end with zero bytes, and keeps what was preserved before', async () => {
    const list = ['two\nlines.txt', 'a/photo.txt'].map((path) => `${path}\0`).join('');
    const sent = await place.run(
      ['channel', 'send', '--files-from', '-', '-0', '--json', '--channel', channelId],
      list,
    );
    expect(sent.code, sent.output).to.equal(0);
    expect(linesOf(sent.stdout).map(({ status }) => status)).to.deep.equal(['preserved', 'kept', undefined]);
  });

  it('sends one content from standard input, whose receipt has the digest for its name', async () => {
    const content = Buffer.alloc(3 << 20, 7);
    const sent = await place.run(
      ['channel', 'send', '-', '--out', 'streams', '--json', '--channel', channelId],
      content,
    );
    expect(sent.code, sent.output).to.equal(0);
    const [{ digest, receipt }] = linesOf(sent.stdout) as [{ digest: string; receipt: string }];
    expect(receipt).to.equal(join(place.folder, 'streams', `${digest.slice(2)}.receipt.json`));
    expect(parseChannelReceipt(await readFile(receipt)).bill.digest).to.equal(digest);
    const spool = join(place.folder, '..', '.notarium', 'requester', channelId, 'spool');
    expect(await readdir(spool)).to.deep.equal([]);
  });

  it('refuses both kinds of paths, and a terminal that pipes nothing', async () => {
    const both = await place.run(['channel', 'send', 'a', '--files-from', '-']);
    expect(both.code, both.output).to.equal(2);
    const none = await place.run(['channel', 'send']);
    expect(none.code, none.output).to.equal(2);
  });

  it('settles in the token to the unit, and every receipt verifies on chain', async () => {
    const closed = await place.run(['channel', 'close', '--json', '--channel', channelId]);
    expect(closed.code, closed.output).to.equal(0);
    const { end } = JSON.parse(closed.stdout) as { end: { verifierPayout: string; requesterPayout: string } };
    const paid = BigInt(end.verifierPayout);
    // Four items at 1,000, and 5,000 for each of three mebibytes and a little more for the lists and the small ones.
    expect(paid >= 19_000n && paid < 19_100n, `${paid}`).to.equal(true);
    expect(await balanceOf(place.account)).to.equal(paid);
    expect(await balanceOf(devAddress(requesterIndex))).to.equal(supply - paid);
    expect(await balanceOf(place.contract)).to.equal(0n);
    const { rpcUrl } = place.chain;
    for (const [file, receipt] of [
      ['b/photo.txt', 'kept/b/photo.txt.receipt.json'],
      ['two\nlines.txt', 'two\nlines.txt.receipt.json'],
    ] as const) {
      const verified = await place.run(['verify', file, receipt, '--rpc', rpcUrl, '--verifier', place.account]);
      expect(verified.code, verified.output).to.equal(0);
    }
  });

  it('ends though more could come: when it is told to, and when the deposit is spent', async () => {
    const open = ['channel', 'open', '--url', place.verifier.url, '--amount', '2500', '--json'];
    const { channelId: small } = JSON.parse((await place.run(open)).stdout);
    const args = ['channel', 'send', '--files-from', '-', '--json', '--channel', small];
    const told = place.begin(args);
    let stdout = '';
    told.child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    told.child.stdin.write('a/photo.txt\n');
    await until('it tells of the first before another one comes', () => stdout.includes('"preserved"'));
    told.child.kill('SIGTERM');
    expect((await told.ended).code).to.equal(130);

    const spent = place.begin(args);
    // The second thousand fits, the third does not.
    for (const name of ['a/photo.txt', 'b/photo.txt', 'third.txt']) {
      await writeFile(join(place.folder, 'third.txt'), 'third');
      spent.child.stdin.write(`${name}\n`);
    }
    const { code, stdout: lines, output } = await spent.ended;
    expect(code, output).to.equal(linesOf(lines).at(-1)!.exitCode);
    expect(linesOf(lines).map((line) => line.code ?? line.status)).to.include.members([
      'kept',
      'channel-balance-short',
    ]);
    const closed = await place.run(['channel', 'close', '--channel', small]);
    expect(closed.code, closed.output).to.equal(0);
  });

  it('goes on with --files-from after a kill: nothing is paid twice, and nothing is left of the killed run', async () => {
    const open = ['channel', 'open', '--url', place.verifier.url, '--amount', '1gwei', '--json'];
    const { channelId: killed } = JSON.parse((await place.run(open)).stdout);
    const names = Array.from({ length: 40 }, (_, index) => `many/${index}.txt`);
    await mkdir(join(place.folder, 'many'), { recursive: true });
    for (const name of names) await writeFile(join(place.folder, name), `one of many: ${name}\n`);
    const args = ['channel', 'send', '--files-from', '-', '--json', '--channel', killed];
    const first = place.begin(args);
    let stdout = '';
    first.child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    first.child.stdin.write(`${names[0]}\n`);
    await until('the first is through', () => stdout.includes('"preserved"'));
    first.child.stdin.write(
      names
        .slice(1, 30)
        .map((name) => `${name}\n`)
        .join(''),
    );
    await until('one more is through', () => stdout.trim().split('\n').length > 1);
    first.child.kill('SIGKILL');
    await first.ended;

    // A content that came by standard input, of which the kill has left a part.
    const spool = join(place.folder, '..', '.notarium', 'requester', killed, 'spool');
    const stream = place.begin(['channel', 'send', '-', '--out', 'streams', '--channel', killed]);
    stream.child.stdin.write(Buffer.alloc(1 << 20, 5));
    await until('a part of it is written', async () => (await readdir(spool).catch(() => [])).length === 1);
    stream.child.kill('SIGKILL');
    await stream.ended;
    expect(await readdir(spool)).to.have.length(1);

    const again = await place.run(args, names.map((name) => `${name}\n`).join(''));
    expect(again.code, again.output).to.equal(0);
    const sum = linesOf(again.stdout).at(-1)!;
    expect(sum).to.include({ ok: true, failed: 0, receipts: names.length });
    expect(Number(sum.kept) + Number(sum.preserved)).to.equal(names.length);
    expect(Number(sum.kept)).to.be.at.least(2);
    expect(await readdir(spool).catch(() => [])).to.deep.equal([]);
    const { verifierBalance } = JSON.parse(
      (await place.run(['channel', 'status', '--channel', killed, '--json'])).stdout,
    );
    // Each item at 1,000, and for each bill a mebibyte's share, rounded up.
    const paid = BigInt(verifierBalance);
    expect(paid >= 40_000n && paid < 40_000n + 500n, `${paid}`).to.equal(true);
    const closed = await place.run(['channel', 'close', '--channel', killed]);
    expect(closed.code, closed.output).to.equal(0);
  });

  it('pays more in when the deposit is spent, and writes the receipts that are missing', async () => {
    const open = ['channel', 'open', '--url', place.verifier.url, '--amount', '1500', '--json'];
    const { channelId: small } = JSON.parse((await place.run(open)).stdout);
    const on = ['--json', '--channel', small];
    for (const name of ['one.txt', 'two.txt']) await writeFile(join(place.folder, name), `top up ${name}\n`);
    expect((await place.run(['channel', 'send', 'one.txt', ...on])).code).to.equal(0);
    const short = await place.run(['channel', 'send', 'two.txt', ...on]);
    expect(JSON.parse(short.stdout).files[0]).to.include({ code: 'channel-balance-short' });
    expect((await place.run(['channel', 'deposit', ...on])).code).to.equal(2);
    const paid = await place.run(['channel', 'deposit', '--amount', '1gwei', ...on]);
    expect(paid.code, paid.output).to.equal(0);
    expect(JSON.parse(paid.stdout)).to.include({ channelId: small, held: '1000001500' });

    const one = join(place.folder, 'one.txt.receipt.json');
    const before = await stat(one);
    const sent = await place.run(['channel', 'send', 'one.txt', 'two.txt', ...on]);
    expect(JSON.parse(sent.stdout)).to.include({ preserved: 1, kept: 1, failed: 0, receipts: 2 });
    // What was written stays as it is, and what somebody has removed comes back.
    expect((await stat(one)).ino).to.equal(before.ino);
    await rm(one);
    expect((await place.run(['channel', 'send', 'two.txt', ...on])).code).to.equal(0);
    expect(parseChannelReceipt(await readFile(one)).settlement).to.equal(undefined);
    const closed = await place.run(['channel', 'close', ...on]);
    expect(JSON.parse(closed.stdout)).to.include({ status: 'settled', held: '1000001500' });
    for (const name of ['one.txt', 'two.txt']) {
      const receipt = parseChannelReceipt(await readFile(join(place.folder, `${name}.receipt.json`)));
      expect(receipt.settlement?.kind).to.equal('settled');
    }
  });

  it('takes the channel that is not settled where none is named, and names those that could be meant', async () => {
    const open = ['channel', 'open', '--url', place.verifier.url, '--amount', '1gwei', '--json'];
    const { channelId: next } = JSON.parse((await place.run(open)).stdout);
    const sent = await place.run(['channel', 'send', 'a', '--json']);
    expect(sent.code, sent.output).to.equal(0);
    const status = await place.run(['channel', 'status', '--channel', next, '--json']);
    expect(JSON.parse(status.stdout)).to.include({ status: 'open', evidenceCount: 1 });
    const { channelId: third } = JSON.parse((await place.run(open)).stdout);
    const unclear = await place.run(['channel', 'send', 'a']);
    expect(unclear.code).to.equal(2);
    for (const id of [next, third]) expect(unclear.output).to.include(`--channel ${id.slice(0, 10)}`);
    expect(unclear.output).not.to.include(channelId.slice(0, 10));
  });
});
