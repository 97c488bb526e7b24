import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../../../services/core/bytes.ts';
import { readEvidence } from '../../../../services/main/readEvidence.ts';
import { EvidenceVault } from '../../../../services/store/channels/EvidenceVault.ts';
import { type CliRun, cli } from '../../../support/cliKit.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { contentsOf, openUploads, packOf, put, sha256Of } from '../../store/channels/vaultKit.ts';

describe('notarium evidence', () => {
  it('gets evidence, checks all of it, and finds one altered byte', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const run = (...argv: string[]): Promise<CliRun> =>
      cli(
        { cwd: folder.path, actions: { readEvidence: ({ settings }) => readEvidence(settings) } },
        'evidence',
        ...argv,
        '--data',
        data,
        '--json',
      );
    expect((await run('check')).json<{ error: { code: string } }>().error.code).to.equal('evidence-not-found');
    const vault = await EvidenceVault.open({ folder: join(data, 'channels', 'evidence') });
    const uploads = await openUploads(join(data, 'channels', 'uploads'));
    const key = randomBytes(32);
    const plain = toHex(await put(vault, uploads, Buffer.from('plain evidence')));
    const secret = toHex(await put(vault, uploads, Buffer.from('secret evidence'), { key }));
    const { bytes, root } = packOf(contentsOf(5));
    await put(vault, uploads, bytes, { digest: root, kind: 'pack' });

    expect((await run('get', plain)).json()).to.include({ ok: true, sizeBytes: 14, kind: 'content' });
    expect((await readFile(join(folder.path, plain.slice(2)))).toString()).to.equal('plain evidence');
    expect((await run('get', plain)).code).to.equal(30);
    const member = toHex(sha256Of(contentsOf(5)[4]!));
    expect((await run('get', `sha-256:${member.slice(2)}`, '-o', 'member')).code).to.equal(0);
    expect(await readFile(join(folder.path, 'member'))).to.deep.equal(contentsOf(5)[4]);
    expect((await run('get', secret)).code).to.equal(93);
    await writeFile(join(folder.path, 'key'), `${toHex(key)}\n`);
    expect((await run('get', secret, '--content-key-file', 'key', '-o', 'secret')).code).to.equal(0);
    expect((await readFile(join(folder.path, 'secret'))).toString()).to.equal('secret evidence');
    expect((await run('get', toHex(new Uint8Array(32)))).code).to.equal(92);
    expect((await run('get', 'nonsense')).code).to.equal(2);

    expect((await run('check')).json()).to.include({ ok: true, intact: 2, stored: 1, corrupt: 0 });
    expect((await run('check', secret, '--content-key-file', 'key')).json()).to.include({ intact: 1, stored: 0 });
    expect((await run('check', toHex(new Uint8Array(32)))).code).to.equal(92);
    const [file] = await vault.filesOf(Buffer.from(plain.slice(2), 'hex'));
    await writeFile(join(data, 'channels', 'evidence', file!.name), 'Plain evidence');
    const damaged = await run('check');
    expect(damaged.code).to.equal(92);
    expect(damaged.json()).to.deep.include({ ok: false, corrupt: 1, intact: 1, damaged: [file!.name] });
    expect((await run('get', plain, '-o', 'bad')).json<{ error: { code: string } }>().error.code).to.equal(
      'evidence-corrupt',
    );
  });
});
