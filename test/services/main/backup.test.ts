import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ActionContext } from '../../../services/cli/CliActions.ts';
import { importData } from '../../../services/main/backup.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

// Export and import of a centre stand in test/e2e/damage.test.ts.
describe('main/backup', () => {
  it('imports files only: no device, no pipe, no folder, and leaves nothing behind', async () => {
    await using folder = await temporaryFolder();
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const context = {
      settings: { data: join(folder.path, 'data'), networks: folder.path },
      signal: new AbortController().signal,
    } as ActionContext;
    for (const path of ['/dev/zero', pipe, folder.path, join(folder.path, 'missing')]) {
      const { data } = await expectCode('file-unreadable', importData(context, path));
      expect(data).to.deep.equal({ path });
    }
    expect(await readdir(folder.path)).to.deep.equal(['pipe']);
  });
});
