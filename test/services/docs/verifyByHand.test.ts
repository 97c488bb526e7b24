import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { buildAggregate } from '../../../services/core/aggregate.ts';
import { type Address, concat, hexDigits, toBase64 } from '../../../services/core/bytes.ts';
import { type Receipt, withInnerProof } from '../../../services/core/receipt.ts';
import { digestText } from '../../../services/core/record.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { type RunningChain, startChain } from '../../support/chains.ts';
import { randomSigner, signedRecord } from '../../support/recordKit.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';
import { anchoredReceipts, type ChainKit, chainKit } from '../chain/chainKit.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tools = ['bash', 'jq', 'xxd', 'curl', 'sha256sum', 'base64'];
const sha256 = (...parts: (string | Uint8Array)[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const yes = `0x${'1'.padStart(64, '0')}`;

type Outcome = { readonly code: number | null; readonly output: string };

describe('verification without Notarium', () => {
  let running: RunningChain;
  let kit: ChainKit;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let block: string;
  let plain: Receipt;
  let strange: Receipt;
  let aggregate: Receipt;
  let member: Receipt;
  /** What hostile receipts try to make: `trap` in the current folder. */
  let trap: string;
  const contents = ['m0\n', 'm1\n', 'm2\n'];

  before(async function () {
    const missing = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
    // Notarium needs none of them; only who verifies without it does.
    if (missing.length > 0) this.skip();
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    block = /^```sh\n(FILE=README\.md RECEIPT=[\s\S]*?)^```$/m.exec(readme)![1]!;
    folder = await temporaryFolder();
    trap = join(folder.path, 'trap');
    running = await startChain({ kind: 'anvil' });
    kit = await chainKit(running.rpcUrl);
    const { network } = kit.chain.info;
    const signer = randomSigner();
    const tree = buildAggregate(concat(...contents.map((content) => sha256(content))));
    const records = [
      await signedRecord(network, signer, 'plain'),
      await signedRecord(network, signer, 'strange', { subject: 'ü"\u001b]0;title\u0007\n\u202efdp.' }),
      await signedRecord(network, signer, 'many', {
        kind: 'aggregate',
        digest: digestText(tree.root),
        meta: { count: contents.length },
      }),
    ];
    [plain, strange, aggregate] = (await anchoredReceipts(kit, records)) as [Receipt, Receipt, Receipt];
    member = withInnerProof(aggregate, { leafIndex: 2, treeSize: 3, path: tree.proofOf(2) });
  });
  after(async () => {
    kit?.chain.close();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const put = async (content: string | Uint8Array, receipt: unknown): Promise<string[]> => {
    const [file, path] = [join(folder.path, 'a file'), join(folder.path, 'a receipt.json')];
    await writeFile(file, content);
    await writeFile(path, typeof receipt === 'string' ? receipt : JSON.stringify(receipt));
    return [file, path];
  };
  const run = (program: string, args: string[]): Outcome => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: folder.path });
    return { code: status, output: stdout + stderr };
  };
  const byScript = async (content: string | Uint8Array, receipt: unknown): Promise<Outcome> => {
    const [file, path] = (await put(content, receipt)) as [string, string];
    const place = [running.rpcUrl, kit.chain.info.contract];
    return run('bash', [join(root, 'examples/verify-by-hand.sh'), file, path, ...place]);
  };
  const byReadme = async (content: string | Uint8Array, receipt: unknown): Promise<Outcome> => {
    const [file, path] = (await put(content, receipt)) as [string, string];
    const given = [`FILE='${file}' RECEIPT='${path}'`, `RPC=${running.rpcUrl} CONTRACT=${kit.chain.info.contract}`];
    return run('sh', ['-c', block.replace(/^FILE=.*\nRPC=.*$/m, given.join('\n'))]);
  };

  it('takes a receipt of a chain, and a member of an aggregate', async () => {
    const { code, output } = await byScript('plain', plain);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^VALID: 0x[0-9a-f]{40} stated it for "urn:test:plain", claimed time /m);
    expect((await byScript('m2\n', member)).code).to.equal(0);
    expect(await byReadme('plain', plain)).to.deep.equal({ code: 0, output: `${yes}\n` });
  });

  it('shows no text of a stranger as it is', async () => {
    const { code, output } = await byScript('strange', strange);
    expect(code, output).to.equal(0);
    expect(output).to.include(String.raw`"\u00fc\"\u001b]0;title\u0007\n\u202efdp."`);
    expect(await byReadme('strange', strange)).to.deep.equal({ code: 0, output: `${yes}\n` });
  });

  it('refuses another content, another place in the log, and what no chain has', async () => {
    const { proof, block: header } = plain;
    const height = { ...plain, block: { ...header, height: 2 } };
    const parent = { ...plain, block: { ...header, parent: header.root } };
    const index = { ...plain, proof: { ...proof, leafIndex: 1 } };
    const cases: [string, unknown][] = [
      ['other', plain],
      ['plain', height],
      ['plain', parent],
      ['plain', index],
      ['plain', { ...plain, entry: strange.entry }],
    ];
    for (const [content, receipt] of cases) {
      const { code, output } = await byScript(content, receipt);
      expect([code, output.includes('NOT VALID')], output).to.deep.equal([1, true]);
      expect((await byReadme(content, receipt)).output).to.not.include(yes);
    }
    expect((await byScript('m1\n', member)).code).to.equal(1);
    expect((await byScript('m2\n', { ...member, inner: { ...member.inner!, leafIndex: 3 } })).code).to.equal(1);
  });

  it('takes no file for an aggregate that has the digest of a tree by its bytes', async () => {
    const [l0, l1, l2] = contents.map((content) => leafHash(sha256(content))) as [Uint8Array, Uint8Array, Uint8Array];
    const left = sha256(Uint8Array.of(1), l0, l1);
    const file = concat(Uint8Array.of(1), left, l2);
    expect(`sha-256:${hexDigits(sha256(file))}`).to.equal(
      JSON.parse(Buffer.from(aggregate.entry, 'base64').toString()).digest,
    );
    expect((await byScript(file, aggregate)).code).to.equal(1);
    expect((await byReadme(file, aggregate)).code).to.equal(1);
    // Nor a member's receipt, whose inner proof these lines do not check.
    expect((await byReadme(file, member)).code).to.equal(1);
  });

  it('runs nothing that stands in a receipt', async () => {
    const command = 'EUID[$(touch trap; echo 0)]';
    const { proof, block: header } = plain;
    const inner = { leafIndex: 0, treeSize: 1, path: [] };
    const entry = (change: object): string => {
      const record = JSON.parse(Buffer.from(plain.entry, 'base64').toString());
      return toBase64(Buffer.from(JSON.stringify({ ...record, ...change })));
    };
    const hostile: unknown[] = [
      { ...plain, proof: { ...proof, leafIndex: command } },
      { ...plain, proof: { ...proof, treeSize: command } },
      { ...plain, block: { ...header, treeSize: command } },
      { ...plain, block: { ...header, height: command } },
      { ...plain, block: { ...header, slot: command } },
      { ...plain, block: { ...header, epoch: command } },
      { ...plain, block: { ...header, root: `${header.root}\n$(touch trap)` } },
      { ...plain, block: { ...header, root: `${header.root}\n` } },
      { ...plain, block: { ...header, publisher: `$(touch trap)` } },
      { ...plain, proof: { ...proof, path: [...proof.path, command] } },
      { ...plain, proof: { ...proof, path: [`${proof.path[0]}\n`] } },
      { ...plain, proof: { ...proof, path: command } },
      { ...plain, proof: { ...proof, leafIndex: -1 } },
      { ...plain, proof: { ...proof, leafIndex: 0.5 } },
      { ...plain, proof: { ...proof, leafIndex: 2 ** 60 } },
      { ...plain, entry: `${plain.entry}\n$(touch trap)` },
      { ...plain, entry: entry({ digest: command }) },
      { ...member, inner: { ...inner, leafIndex: command } },
      { ...member, inner: { ...inner, treeSize: command } },
      { ...member, inner: { ...inner, path: [command] } },
      { ...plain, inner: null },
      JSON.stringify(plain) + JSON.stringify(plain),
      JSON.stringify({ ...plain, block: command }) + JSON.stringify(plain),
      '',
      '[]',
      '{',
      command,
    ];
    for (const receipt of hostile) {
      for (const { code, output } of [await byScript('plain', receipt), await byReadme('plain', receipt)]) {
        expect(code, JSON.stringify(receipt) + output).to.equal(1);
        expect(output).to.not.include(yes);
      }
      expect(existsSync(trap), JSON.stringify(receipt)).to.equal(false);
    }
  });

  it('asks the contract that was named, and no other, for what was never notarised', async () => {
    // Answers 1 to every call: PUSH1 1, PUSH0, MSTORE, return 32 bytes.
    const code = '600160005260206000f3';
    const [from] = (await kit.rpc('eth_accounts', [])) as [Address];
    const sent = await kit.rpc('eth_sendTransaction', [
      { from, gas: '0x100000', data: `0x600a600c600039600a6000f3${code}` },
    ]);
    const yesSayer = await until('it is deployed', async () => {
      const receipt = (await kit.rpc('eth_getTransactionReceipt', [sent])) as { contractAddress: Address } | null;
      return receipt?.contractAddress;
    });
    const { contract } = kit.chain.info;
    const entry = toBase64(
      Buffer.from(JSON.stringify({ kind: 'evidence', digest: digestText(sha256('never notarised')) })),
    );
    for (const path of [
      `"},"latest",{"${contract}":{"code":"0x${code}"}}],"z":[{"y":"`,
      `","to":"${yesSayer}","from":"${yesSayer}`,
    ]) {
      const forged = { ...plain, entry, proof: { leafIndex: 0, treeSize: 3, path: [path] } };
      for (const { code: exit, output } of [
        await byReadme('never notarised', forged),
        await byScript('never notarised', forged),
      ]) {
        expect(exit).to.equal(1);
        expect(output).to.not.include(yes);
      }
    }
  });

  it('says when it could not be verified', async () => {
    const [file, path] = (await put('plain', plain)) as [string, string];
    const script = join(root, 'examples/verify-by-hand.sh');
    const { contract } = kit.chain.info;
    for (const args of [
      [],
      [file, path, 'http://127.0.0.1:1', contract],
      [file, path, running.rpcUrl, kit.deployed.registry],
      [file, path, running.rpcUrl, 'EUID[$(touch trap)]'],
      [join(folder.path, 'missing'), path, running.rpcUrl, contract],
      [file, join(folder.path, 'missing'), running.rpcUrl, contract],
    ]) {
      const { code, output } = run('bash', [script, ...args]);
      expect(code, args.join(' ') + output).to.equal(2);
      expect(output).to.include('NOT VERIFIED');
    }
    expect(existsSync(trap)).to.equal(false);
  });
});
