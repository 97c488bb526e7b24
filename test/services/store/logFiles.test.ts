import { expect } from 'chai';
import { openDisk } from '../../../services/store/disk.ts';
import { logFiles } from '../../../services/store/logFiles.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

describe('store/logFiles', () => {
  it('writes nothing any more once it has failed, also where the files themselves cannot be made', async () => {
    await using folder = await temporaryFolder();
    const opened = await openDisk(undefined, folder.path, undefined);
    const { promise: mayWrite, resolve: write } = Promise.withResolvers<void>();
    let underWay = 0;
    const disk = Object.assign(Object.create(opened.disk) as typeof opened.disk, {
      put: async (path: string, bytes: Uint8Array) => {
        underWay++;
        await mayWrite;
        await opened.disk.put(path, bytes);
        underWay--;
      },
    });
    const files = logFiles({ ...opened, disk });
    const failure = new Error('the source is gone');
    const source = async function* (): AsyncGenerator<[string, Uint8Array]> {
      yield ['tile/entries/000', Uint8Array.of(1)];
      setImmediate(write);
      throw failure;
    };
    const error = await files.write(source()).catch((thrown: unknown) => thrown);
    expect(error).to.equal(failure);
    expect(underWay).to.equal(0);
    expect(await files.read('tile/entries/000')).to.deep.equal(Uint8Array.of(1));
  });
});
