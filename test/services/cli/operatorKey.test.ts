import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { operatorKey } from '../../../services/cli/operatorKey.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('cli/operatorKey', () => {
  it('reads the key of a data folder, where there is one', async () => {
    await using folder = await temporaryFolder();
    expect(await operatorKey(folder.path)).to.equal(undefined);
    await writeFile(join(folder.path, 'admin-key'), 'ntr_abc\n');
    expect(await operatorKey(folder.path)).to.equal('ntr_abc');
  });

  it('says so when it cannot be read', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'admin-key'));
    await expectCode('key-missing', operatorKey(folder.path));
  });
});
