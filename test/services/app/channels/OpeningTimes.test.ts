import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { OpeningTimes } from '../../../../services/app/channels/OpeningTimes.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const channel = (digit: string): Hash => `0x${digit.repeat(64)}` as Hash;

describe('when channels were opened', () => {
  it('is asked of the chain once, also over restarts and after damage', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'openings');
    const asked: Hash[] = [];
    const open = () =>
      OpeningTimes.open(path, async (channelId) => {
        asked.push(channelId);
        return channelId === channel('9') ? undefined : 1_000 + asked.length;
      });
    const first = await open();
    expect(await first.of(channel('1'))).to.equal(1_001);
    expect(await first.of(channel('2'))).to.equal(1_002);
    expect(await first.of(channel('1'))).to.equal(1_001);
    expect(await first.of(channel('9'))).to.equal(Number.POSITIVE_INFINITY);
    await appendFile(path, `\n${channel('3').slice(0, 20)}`);
    const second = await open();
    expect(await second.of(channel('2'))).to.equal(1_002);
    expect(await second.of(channel('3'))).to.equal(1_004);
    expect(asked).to.deep.equal(['1', '2', '9', '3'].map(channel));
    expect(await (await open()).of(channel('3'))).to.equal(1_004);
    await writeFile(path, 'nothing of the kind\n\n0x12 5');
    expect(await (await open()).of(channel('1'))).to.equal(1_005);
  });
});
