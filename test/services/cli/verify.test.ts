import { execFileSync } from 'node:child_process';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { Interface } from 'ethers';
import { blockHash, zeroHash } from '../../../services/core/block.ts';
import { fromBase64, type Hash, toBase64, toHex } from '../../../services/core/bytes.ts';
import { networkName, uintWord } from '../../../services/core/eip712.ts';
import { type Receipt, withInnerProof } from '../../../services/core/receipt.ts';
import { type CliPlace, cli } from '../../support/cliKit.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { aggregateOf, centres, committee, network, receiptsOf, recordOf, signaturesOf } from '../core/receiptKit.ts';

/** Another digit at one place of a text. */
function altered(text: string, at = text.length - 1): string {
  return text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
}

function alteredEntry(receipt: Receipt, change: (text: string) => string): Receipt {
  const text = Buffer.from(fromBase64(receipt.entry)).toString();
  return { ...receipt, entry: toBase64(Buffer.from(change(text))) };
}

describe('notarium verify', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  let receipt: Receipt;
  let member: Receipt;
  const put = (name: string, value: unknown): Promise<void> =>
    writeFile(join(folder.path, name), typeof value === 'string' ? value : JSON.stringify(value));
  /** Exit code for a receipt, offline, and the code in its JSON. */
  const verify = async (changed: unknown, file = 'file', ...flags: string[]): Promise<[number, string | undefined]> => {
    await put('receipt.json', changed);
    const run = await cli(place, 'verify', file, 'receipt.json', '--network', 'network.json', '--json', ...flags);
    const answer = run.json<{ code?: string; error?: { code: string } }>();
    return [run.code, answer.code ?? answer.error?.code];
  };

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    const { aggregate, record } = await aggregateOf(9);
    const [first, second] = await receiptsOf([await recordOf(1), record]);
    receipt = first!;
    member = withInnerProof(second!, { leafIndex: 4, treeSize: 9, path: aggregate.proofOf(4) });
    await put('file', 'file 1');
    await put('member', 'file 4');
    await put('network.json', {
      format: 'notarium-network/1',
      network: networkName(network),
      periodSeconds: 1,
      graceSeconds: 1,
      committees: [committee],
    });
  });
  after(() => folder[Symbol.asyncDispose]());

  it('takes a receipt, and a member of an aggregate', async () => {
    expect(await verify(receipt)).to.deep.equal([0, undefined]);
    expect(await verify(member, 'member')).to.deep.equal([0, undefined]);
    await put('receipt.json', receipt);
    const { stdout, code } = await cli(place, 'verify', 'file', 'receipt.json', '--network', 'network.json');
    expect(code).to.equal(0);
    for (const step of ['content', 'record', 'inclusion', 'block', 'quorum']) expect(stdout).to.include(`✓ ${step}`);
    expect(stdout).to.include('– chain');
  });

  it('refuses each altered field with its own code', async () => {
    const { block, proof, anchor, signatures } = receipt;
    const other = committee.members.find((address) => address !== block.publisher)!;
    const cases: [string, unknown, number, string][] = [
      ['format', { ...receipt, format: 'notarium-receipt/2' }, 10, 'receipt-malformed'],
      ['unknown field', { ...receipt, more: 1 }, 10, 'receipt-malformed'],
      ['no JSON', '{', 10, 'receipt-malformed'],
      ['key twice', JSON.stringify(receipt).replace('{', '{"format":"notarium-receipt/1",'), 10, 'receipt-malformed'],
      [
        'subject',
        alteredEntry(receipt, (text) => text.replace('urn:file:1', 'urn:file:2')),
        14,
        'receipt-record-signature-invalid',
      ],
      [
        'digest',
        alteredEntry(receipt, (text) => altered(text, text.indexOf('sha-256:') + 20)),
        11,
        'receipt-content-mismatch',
      ],
      ['entry', alteredEntry(receipt, (text) => text.slice(1)), 13, 'receipt-record-invalid'],
      ['not canonical', alteredEntry(receipt, (text) => text.replace('{', '{ ')), 13, 'receipt-record-invalid'],
      [
        'network',
        alteredEntry(receipt, (text) => text.replace('eip155:31337', 'eip155:31338')),
        15,
        'receipt-network-mismatch',
      ],
      ['leafIndex', { ...receipt, proof: { ...proof, leafIndex: 1 } }, 16, 'receipt-inclusion-mismatch'],
      [
        'path',
        { ...receipt, proof: { ...proof, path: proof.path.map((item) => altered(item)) } },
        16,
        'receipt-inclusion-mismatch',
      ],
      ['root', { ...receipt, block: { ...block, root: altered(block.root) } }, 16, 'receipt-inclusion-mismatch'],
      ['treeSize of the block', { ...receipt, block: { ...block, treeSize: 3 } }, 17, 'receipt-block-mismatch'],
      ['chain of the anchor', { ...receipt, anchor: { ...anchor, chainId: 1 } }, 17, 'receipt-block-mismatch'],
      [
        'contract of the anchor',
        { ...receipt, anchor: { ...anchor, contract: altered(anchor.contract) } },
        17,
        'receipt-block-mismatch',
      ],
      ['height', { ...receipt, block: { ...block, height: 2 } }, 19, 'receipt-quorum-missing'],
      ['slot', { ...receipt, block: { ...block, slot: block.slot + 4 } }, 19, 'receipt-quorum-missing'],
      ['slot of another', { ...receipt, block: { ...block, slot: block.slot + 1 } }, 18, 'receipt-publisher-not-turn'],
      ['publisher', { ...receipt, block: { ...block, publisher: other } }, 18, 'receipt-publisher-not-turn'],
      ['parent', { ...receipt, block: { ...block, parent: altered(block.parent) } }, 19, 'receipt-quorum-missing'],
      ['epoch', { ...receipt, block: { ...block, epoch: 2 } }, 20, 'receipt-committee-unknown'],
      ['a signature less', { ...receipt, signatures: signatures.slice(1) }, 19, 'receipt-quorum-missing'],
      [
        'a signature twice',
        { ...receipt, signatures: [signatures[0], signatures[0], signatures[1]] },
        19,
        'receipt-quorum-missing',
      ],
      [
        'a signer',
        { ...receipt, signatures: signatures.map((one) => ({ ...one, signer: other })) },
        19,
        'receipt-quorum-missing',
      ],
      [
        'strangers',
        { ...receipt, signatures: await signaturesOf({ ...block, height: 7 }, centres) },
        19,
        'receipt-quorum-missing',
      ],
      ['inner added', { ...receipt, inner: member.inner }, 12, 'receipt-inner-proof-mismatch'],
    ];
    for (const [name, changed, exit, code] of cases) {
      expect(await verify(changed), name).to.deep.equal([exit, code]);
    }
    const { inner } = member;
    expect(await verify({ ...member, inner: { ...inner, leafIndex: 3 } }, 'member')).to.deep.equal([
      12,
      'receipt-inner-proof-mismatch',
    ]);
    expect(await verify(member, 'file')).to.deep.equal([12, 'receipt-inner-proof-mismatch']);
    const { inner: _, ...bare } = member;
    expect(await verify(bare, 'member')).to.deep.equal([11, 'receipt-content-mismatch']);
    expect(await verify(receipt, 'member')).to.deep.equal([11, 'receipt-content-mismatch']);
  });

  it('lets no receipt write to the terminal what it likes', async () => {
    const field = 'x\n✓ chain\nVALID\u001b[2J\u009b2K\u202e';
    const forged = alteredEntry(receipt, (text) => text.replace('{', `{${JSON.stringify(field)}:1,`));
    await put('receipt.json', forged);
    const argv = ['verify', 'file', 'receipt.json', '--network', 'network.json'];
    const { code, stdout } = await cli(place, ...argv);
    expect(code).to.equal(13);
    expect(stdout).to.include('x\\u{a}✓ chain\\u{a}VALID\\u{1b}[2J\\u{9b}2K\\u{202e}');
    expect(stdout).not.to.match(/^VALID|[^\n\P{Cc}]|\p{Cf}/mu);
    const json = await cli(place, ...argv, '--json');
    expect(json.stdout).not.to.match(/[^\n\P{Cc}]|\p{Cf}/u);
    expect(json.json<{ steps: { detail?: string }[] }>().steps.some(({ detail }) => detail?.includes(field))).to.equal(
      true,
    );
  });

  it('needs something to trust', async () => {
    await put('receipt.json', receipt);
    expect((await cli(place, 'verify', 'file', 'receipt.json', '--offline')).code).to.equal(23);
    expect((await cli(place, 'verify', 'file', 'receipt.json', '--contract', network.contract)).code).to.equal(23);
    expect((await cli(place, 'verify', 'file', 'receipt.json', '--network', 'missing.json')).code).to.equal(30);
    await put('broken.json', { format: 'notarium-network/1' });
    expect((await cli(place, 'verify', 'file', 'receipt.json', '--network', 'broken.json')).code).to.equal(2);
    expect((await cli(place, 'verify', 'missing', 'receipt.json', '--network', 'network.json')).code).to.equal(30);
    expect((await cli(place, 'verify', 'file', 'missing.json', '--network', 'network.json')).code).to.equal(30);
    expect((await cli(place, 'verify', 'file', '--offline', '--rpc', 'http://127.0.0.1:1')).code).to.equal(2);
    expect((await cli(place, 'verify')).code).to.equal(2);
  });

  it('takes a network file and a contract only where they are of one network', async () => {
    await put('receipt.json', receipt);
    const verifying = ['verify', 'file', 'receipt.json', '--network', 'network.json', '--offline', '--json'];
    expect((await cli(place, ...verifying, '--contract', network.contract)).code).to.equal(0);
    const other = altered(network.contract);
    const env = { NOTARIUM_CONTRACT: other };
    await put('promise.json', {
      recordId: zeroHash,
      acceptedAt: 1,
      includeBySlot: 1,
      centre: committee.members[0],
      signature: `0x${'00'.repeat(65)}`,
    });
    for (const run of [
      await cli(place, ...verifying, '--contract', other),
      await cli({ ...place, env }, ...verifying),
      await cli({ ...place, env }, 'verify', '--acceptance', 'promise.json', '--network', 'network.json', '--json'),
    ]) {
      expect(run.code).to.equal(2);
      expect(run.json<{ error: { code: string; data: object } }>().error).to.deep.include({
        code: 'usage-invalid',
        data: { have: networkName(network), want: other },
      });
    }
  });

  it('reads no pipe, device or great file that it is given as a small one', async () => {
    await put('receipt.json', receipt);
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    await put('great.json', '');
    await truncate(join(folder.path, 'great.json'), 2e9);
    const before = process.memoryUsage.rss();
    const code = async (...argv: string[]) => (await cli(place, 'verify', ...argv)).code;
    for (const [path, receiptCode, promiseCode] of [
      ['pipe', 30, 30],
      ['/dev/zero', 30, 30],
      ['.', 30, 30],
      ['great.json', 10, 27],
    ] as const) {
      expect(await code('file', path, '--network', 'network.json'), path).to.equal(receiptCode);
      expect(await code('--acceptance', path, '--network', 'network.json'), path).to.equal(promiseCode);
      expect(await code('file', 'receipt.json', '--network', path), path).to.equal(30);
    }
    // A key may come through a pipe, but neither from a device nor without end.
    for (const path of ['/dev/zero', '.', 'great.json']) {
      expect((await cli(place, 'notarize', 'file', '--key', path)).code, path).to.equal(39);
    }
    expect(process.memoryUsage.rss() - before).to.be.lessThan(100e6);
  });

  describe('online', () => {
    // Answers as a chain does; that of real ones is tested in test/e2e.
    let chain: Server;
    let rpcUrl: string;
    let stored: Hash;
    let topic: string;
    let chainId: number;
    let code: string | undefined;
    let isForgotten: boolean;

    before(async () => {
      const abi = await readFile(new URL('../../../services/chain/abi/BlockAnchor.json', import.meta.url), 'utf8');
      topic = Interface.from(JSON.parse(abi)).getEvent('Anchored')!.topicHash;
      const answers: Record<string, () => unknown> = {
        eth_chainId: () => `0x${chainId.toString(16)}`,
        eth_call: () => code ?? stored,
        eth_getTransactionReceipt: () =>
          isForgotten
            ? null
            : {
                status: '0x1',
                blockNumber: '0x9',
                logs: [
                  {
                    address: network.contract,
                    topics: [topic, toHex(uintWord(1)), blockHash(network, receipt.block)],
                  },
                ],
              },
        eth_getLogs: () => [],
        eth_getBlockByNumber: () => ({ timestamp: `0x${receipt.anchor.timestamp.toString(16)}` }),
      };
      chain = createServer(async (request, response) => {
        let text = '';
        for await (const chunk of request) text += chunk;
        const { id, method } = JSON.parse(text) as { id: number; method: string };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method]!() }));
      });
      await new Promise<void>((done) => chain.listen(0, '127.0.0.1', done));
      rpcUrl = `http://127.0.0.1:${(chain.address() as AddressInfo).port}`;
    });
    beforeEach(() => {
      stored = blockHash(network, receipt.block);
      chainId = network.chainId;
      code = undefined;
      isForgotten = false;
    });
    after(() => {
      chain.close();
    });

    it('asks the chain', async () => {
      expect(await verify(receipt, 'file', '--rpc', rpcUrl)).to.deep.equal([0, undefined]);
      stored = zeroHash;
      expect(await verify(receipt, 'file', '--rpc', rpcUrl)).to.deep.equal([22, 'receipt-not-anchored']);
      stored = `0x${'12'.repeat(32)}` as Hash;
      expect(await verify(receipt, 'file', '--rpc', rpcUrl)).to.deep.equal([21, 'receipt-chain-mismatch']);
      chainId = 1;
      expect(await verify(receipt, 'file', '--rpc', rpcUrl)).to.deep.equal([61, 'chain-mismatch']);
      chainId = network.chainId;
      code = '0x';
      expect(await verify(receipt, 'file', '--rpc', rpcUrl)).to.deep.equal([61, 'chain-contract-missing']);
      expect(await verify(receipt, 'file', '--rpc', 'http://127.0.0.1:1')).to.deep.equal([60, 'chain-unreachable']);
    });

    it('needs no committee, but the address of the contract from elsewhere than the receipt', async () => {
      await put('receipt.json', receipt);
      const online = ['verify', 'file', 'receipt.json', '--rpc', rpcUrl, '--json'];
      expect((await cli(place, ...online)).code).to.equal(23);
      expect((await cli(place, ...online, '--contract', network.contract)).code).to.equal(0);
      expect((await cli(place, ...online, '--contract', altered(network.contract))).code).to.equal(15);
      await put(
        'later.json',
        JSON.parse((await readFile(join(folder.path, 'network.json'), 'utf8')).replace('"epoch":1', '"epoch":2')),
      );
      expect((await cli(place, ...online, '--network', 'later.json')).code).to.equal(0);
    });

    it('takes a receipt whose transaction the node has forgotten, and says so', async () => {
      isForgotten = true;
      await put('receipt.json', receipt);
      const online = ['verify', 'file', 'receipt.json', '--rpc', rpcUrl, '--network', 'network.json'];
      const { code: exit, stdout } = await cli(place, ...online);
      expect(exit).to.equal(0);
      expect(stdout).to.include('✓ chain');
      expect(stdout).to.include('– anchor    this node does not know the transaction of the anchor any more');
    });

    it('refuses a transaction, block or time that is not that of the chain', async () => {
      const { anchor } = receipt;
      const changes = [{ blockNumber: 8 }, { timestamp: anchor.timestamp - 1 }];
      for (const change of changes) {
        expect(await verify({ ...receipt, anchor: { ...anchor, ...change } }, 'file', '--rpc', rpcUrl)).to.deep.equal([
          28,
          'receipt-anchor-mismatch',
        ]);
      }
    });
  });
});
