import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { KeptEvidence } from '../../../../services/app/channels/EvidenceKeeper.ts';
import { maxLocks } from '../../../../services/core/channels/state.ts';
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

describe('statements beside their evidence', () => {
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

  it('are written once for a bill that is paid soon, and at once where somebody asks', async () => {
    await using folder = await temporaryFolder();
    const open = (who: string) => openChannelStore({ dataDir: join(folder.path, who), logger: silentLogger });
    const [mine, theirs] = [await open('requester'), await open('verifier')];
    const memory = memoryEvidence();
    const written: number[] = [];
    const verifier = newVerifier(theirs, {
      // Whoever waits for a time waits for ever, until it is told to hurry.
      clock: {
        nowMs: () => Date.now(),
        sleep: (_, signal) => new Promise((done) => signal?.addEventListener('abort', () => done())),
      },
      evidence: {
        ...memory,
        async keep(items) {
          written.push(...items.map(({ statements }) => statements.length));
          await memory.keep(items);
        },
      },
    });
    let updatesLeft = Infinity;
    const api = throughWire(verifier, (call, when) => {
      if (call === 'update' && when === 'before' && --updatesLeft < 0) throw new Error('silence');
    });
    const requester = await newRequester(mine, api);
    await requester.preserve(itemOf(['a']));
    await until('both are there', () => memory.kept.size === 1);
    expect(written).to.deep.equal([2]);
    written.length = 0;
    updatesLeft = 1;
    void requester.preserve(itemOf(['b'])).catch(() => undefined);
    await until('a lock', async () => (await verifier.channel(channelId)).locks.length === 1);
    expect(written).to.deep.equal([]);
    await verifier.statementsWritten(channelId);
    expect(written[0]).to.equal(1);
    await requester.stop();
    expect(await verifier.stop()).to.equal(true);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('are tried again while the store fails, and hold updates up before too many are missing', async () => {
    await using folder = await temporaryFolder();
    const open = (who: string) => openChannelStore({ dataDir: join(folder.path, who), logger: silentLogger });
    const [mine, theirs] = [await open('requester'), await open('verifier')];
    const memory = memoryEvidence();
    let fails = true;
    let failures = 0;
    const verifier = newVerifier(theirs, {
      clock: { nowMs: () => Date.now(), sleep: () => new Promise((done) => setTimeout(done, 5)) },
      evidence: {
        ...memory,
        async keep(items) {
          if (fails) {
            failures++;
            throw new NotariumError('storage-failed');
          }
          await memory.keep(items);
        },
      },
    });
    const requester = await newRequester(mine, throughWire(verifier));
    const total = 1000;
    let sent = 0;
    const sending = Promise.all(
      Array.from({ length: total }, (_, index) => requester.preserve(itemOf([`item ${index}`])).then(() => sent++)),
    );
    await until('some are paid', async () => sent >= 3 * maxLocks);
    const before = failures;
    await until('the store fails for long', () => failures > before + 200);
    expect(sent).to.be.at.most(6 * maxLocks);
    expect(memory.kept.size).to.equal(0);
    fails = false;
    await sending;
    expect(sent).to.equal(total);
    await verifier.statementsWritten(channelId);
    expect([...memory.kept.values()].every((roles) => roles.length === 2)).to.equal(true);
    expect(memory.kept.size).to.equal(total);
    await requester.stop();
    expect(await verifier.stop()).to.equal(true);
    await Promise.all([mine.close(), theirs.close()]);
  });
});
