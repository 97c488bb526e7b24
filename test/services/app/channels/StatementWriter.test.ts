import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { KeptEvidence } from '../../../../services/app/channels/EvidenceKeeper.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { hashOf, parties } from '../../core/channels/channelKit.ts';
import { deskVerifier } from './deskVerifier.ts';
import { itemOf, memoryEvidence, newRequester, newVerifier, throughWire } from './exchangeKit.ts';

const { channelId } = parties(1n, 1_000_000n).verifier;
const never = new AbortController().signal;

describe('second statements beside their evidence', function () {
  this.timeout(60_000);

  it('are written at the next start where a kill has come first', async () => {
    await using folder = await temporaryFolder();
    const script = fileURLToPath(new URL('./statementChild.ts', import.meta.url));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    expect(String(said)).to.equal('paid\n');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const { desk, store, verifier, close } = await deskVerifier(folder.path);
    const paid = (await verifier.evidence(channelId, 0, 256)).map(
      ({ signed, first, second }): KeptEvidence => ({
        bill: signed.bill,
        kind: 'content',
        statements: [first, second],
      }),
    );
    const kept = async (): Promise<boolean[]> => await Promise.all(paid.map((item) => desk.isKept(item)));
    expect(paid.map(({ bill }) => bill.digest)).to.deep.equal(['one', 'two', 'three'].map(hashOf));
    expect(await kept()).to.deep.equal([false, false, false]);
    expect(await verifier.catchUp(AbortSignal.abort())).to.equal(false);
    expect(await verifier.catchUp(never)).to.equal(true);
    expect(await kept()).to.deep.equal([true, true, true]);
    expect(await verifier.stop()).to.equal(true);
    expect((await store.channel(channelId))?.role).to.equal('verifier');
    await close();
  });

  it('are tried again while the store fails, and hold updates up before too many are missing', async () => {
    await using folder = await temporaryFolder();
    const open = (who: string) => openChannelStore({ dataDir: join(folder.path, who), logger: silentLogger });
    const [mine, theirs] = [await open('requester'), await open('verifier')];
    const memory = memoryEvidence();
    let fails = true;
    const verifier = newVerifier(theirs, {
      clock: { nowMs: () => Date.now(), sleep: () => new Promise((done) => setTimeout(done, 5)) },
      evidence: {
        ...memory,
        async keep(items) {
          if (fails && items.some(({ statements }) => statements.length > 1)) throw new NotariumError('storage-failed');
          await memory.keep(items);
        },
      },
    });
    const requester = await newRequester(mine, throughWire(verifier));
    const sent: string[] = [];
    const sending = (async () => {
      for (let index = 0; index < 10; index++) {
        await requester.preserve(itemOf([`item ${index}`]));
        sent.push(`item ${index}`);
      }
    })();
    await until('updates wait', async () => (await verifier.evidence(channelId, 0, 256)).length === 4);
    expect([...memory.kept.values()].every((roles) => roles.length === 1)).to.equal(true);
    expect(sent.length).to.be.lessThan(10);
    fails = false;
    await sending;
    await until('all are there', () => [...memory.kept.values()].every((roles) => roles.length === 2));
    expect(memory.kept.size).to.equal(10);
    await requester.stop();
    expect(await verifier.stop()).to.equal(true);
    await Promise.all([mine.close(), theirs.close()]);
  });
});
