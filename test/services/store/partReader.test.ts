import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { partReader } from '../../../services/store/partReader.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('store/partReader', () => {
  it('reads parts, answers less where a file ends, and fails alone where one is missing', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'deep'));
    await writeFile(join(folder.path, 'a'), 'abcdefgh');
    await writeFile(join(folder.path, 'deep', 'b'), '12345');
    const parts = partReader(folder.path);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    const asked = [
      parts.read('a', 2, 3),
      parts.read('none', 0, 9),
      parts.read('deep/b', 3, 10),
      parts.read('a', 8, 1),
      parts.read('a', 0, 8),
    ];
    const answers = await Promise.allSettled(asked);
    expect(answers.map((one) => (one.status === 'fulfilled' ? text(one.value) : one.reason.code))).to.deep.equal([
      'cde',
      'ENOENT',
      '45',
      '',
      'abcdefgh',
    ]);
    parts.clear();
  });

  it('answers what is under way when it is cleared, and afterwards', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a'), 'abcdefgh');
    const parts = partReader(folder.path);
    await parts.read('a', 0, 1);
    const underWay = parts.read('a', 1, 2);
    // The call has gone to the thread by now.
    await Promise.resolve();
    const waiting = parts.read('a', 3, 2);
    parts.clear();
    expect([await underWay, await waiting].map((part) => Buffer.from(part).toString())).to.deep.equal(['bc', 'de']);
    expect(Buffer.from(await parts.read('a', 5, 9)).toString()).to.equal('fgh');
    parts.clear();
  });
});
