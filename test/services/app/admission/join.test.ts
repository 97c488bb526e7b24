import { readFile, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { expect } from 'chai';
import type { AdmissionDesk } from '../../../../services/app/admission/AdmissionDesk.ts';
import { type JoinStep, type JoinWish, join } from '../../../../services/app/admission/join.ts';
import { joinStatus } from '../../../../services/app/admission/joinStatus.ts';
import type { KeptAttestation } from '../../../../services/app/admission/keptAttestation.ts';
import { openChain } from '../../../../services/chain/openChain.ts';
import { readManifest } from '../../../../services/core/admission/manifest.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type AdmissionKit, admissionKit } from './admissionKit.ts';

const place = 5;
const entry = {
  name: 'Candidate',
  endpoint: 'https://candidate.example',
  encryptionKey: toHex(new Uint8Array(32).fill(1)),
  noteKey: toHex(new Uint8Array(32).fill(2)),
};

describe('join', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  let urls: string[];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    // So easy a hashing check takes a few milliseconds: a moment's load on the machine would be two machines to it.
    kit = await admissionKit(running.rpcUrl, { centres: 2, admission: { attestations: 2, minHashesPerSecond: 0 } });
    const https: HttpTest[] = [await startHttpTest(), await startHttpTest()];
    const [first, second] = kit.desks.map(({ desk }) => desk);
    Object.assign(https[0]!.centre, { admission: first });
    const admission: Partial<AdmissionDesk> = {
      authenticator: () => second!.authenticator(),
      async begin(...all) {
        await tellOther();
        return await second!.begin(...all);
      },
      answer: (...all) => second!.answer(...all),
    };
    Object.assign(https[1]!.centre, { admission });
    urls = https.map(({ url }) => url);
    folder = await temporaryFolder();
  });
  after(async () => {
    await stopHttpTests();
    await kit?.dispose();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const joining = async (changes: Partial<JoinWish> = {}, watch: (step: JoinStep) => void = () => undefined) => {
    const signer = localSigner(devKey(place), crypto);
    const { contract } = kit.chain.info;
    const chain = await openChain({ rpcUrl: running.rpcUrl, contract, signer, logger: silentLogger });
    const steps: JoinStep[] = [];
    const onStep = (step: JoinStep): void => {
      steps.push(step);
      watch(step);
    };
    try {
      const joined = await join(
        { chain, signer, crypto, clock: systemClock, dataDir: folder.path },
        { manifest: kit.manifest, entry, statement: 'hello', authenticators: urls, onStep, ...changes },
      );
      return { joined, steps: [...new Set(steps.map(({ step }) => step))] };
    } finally {
      chain.close();
    }
  };
  // As gossip would between the two.
  const tellOther = async (): Promise<void> => {
    const [first, second] = kit.desks;
    const [outcome] = await first!.store.outcomes({ limit: 1 });
    await second!.parts.accept([outcome!.entry]);
  };
  const attestationFile = (): string => joinPath(folder.path, 'attestation.json');
  const kept = async (): Promise<KeptAttestation> => JSON.parse(await readFile(attestationFile(), 'utf8'));

  it('asks nobody with another manifest, or with fewer authenticators than are needed', async () => {
    const other = readManifest({ ...kit.manifest.manifest, agreement: 'another' });
    const { data } = await expectCode('manifest-invalid', joining({ manifest: other }));
    expect(data).to.deep.equal({ have: other.hash, want: kit.manifest.hash });
    const few = await expectCode('usage-invalid', joining({ authenticators: urls.slice(1) }));
    expect(few.data).to.deep.equal({ have: 1, want: 2 });
    expect((await joinStatus(kit.chain, devAddress(place))).state).to.equal('none');
  });

  it('has two authenticators attest one report, applies with both, and publishes', async () => {
    const { joined, steps } = await joining();
    expect(steps).to.deep.equal(['rules', 'measuring', 'measured', 'packet', 'attested', 'applied', 'published']);
    const node = await kit.chain.admission.node(devAddress(place));
    expect(node).to.deep.include({ status: 'candidate', application: joined.application });
    expect(node.published).to.deep.include({ name: joined.application, expiry: joined.expiry });
    expect((await kept()).attestations.map(({ authenticator }) => authenticator)).to.deep.equal([
      devAddress(0),
      devAddress(1),
    ]);
    expect(joined.report.authenticator).to.equal(devAddress(0));
    expect(await joinStatus(kit.chain, devAddress(place))).to.deep.include({
      state: 'published',
      application: joined.application,
      score: joined.report.score,
    });
  });

  it('has nothing to do again, and applies anew only when it may', async () => {
    const { steps } = await joining();
    expect(steps).to.deep.equal(['rules', 'kept']);
    const { data } = await expectCode('application-early', joining({ again: true }));
    expect(data.want).to.equal((await kit.chain.admission.node(devAddress(place))).appliedAt + 3_600);
  });

  it('goes on where it was interrupted, and asks nobody again', async () => {
    await kit.govern('setAdmissionRules', { ...kit.rules, reapplySeconds: 1 });
    const { appliedAt } = await kit.chain.admission.node(devAddress(place));
    await until('the wait to be over', async () => {
      const { latestSeconds, pendingSeconds = latestSeconds } = await kit.chain.chainTime();
      return pendingSeconds > appliedAt;
    });
    const crash = new Error('interrupted');
    const interrupted = await joining({ again: true }, (step) => {
      if (step.step === 'applied') throw crash;
    }).catch((error: unknown) => error);
    expect(interrupted).to.equal(crash);
    expect((await joinStatus(kit.chain, devAddress(place))).state).to.equal('applied');
    const { joined, steps } = await joining({ authenticators: [] });
    expect(steps).to.deep.equal(['rules', 'kept', 'published']);
    expect((await kit.chain.admission.node(devAddress(place))).published?.name).to.equal(joined.application);
  });

  it('takes no file for what was attested that it has not written', async () => {
    const text = await readFile(attestationFile(), 'utf8');
    await writeFile(attestationFile(), JSON.stringify({ ...(await kept()), attestations: [] }));
    await expectCode('file-unreadable', joining());
    await writeFile(attestationFile(), text);
  });

  it('is refused as long as it is a centre, or banned', async () => {
    const { application } = await kit.chain.admission.node(devAddress(place));
    await kit.govern('admit', devAddress(place), application);
    const { data } = await expectCode('application-refused', joining());
    expect(data).to.deep.equal({ status: 'active' });
    const status = await joinStatus(kit.chain, devAddress(place));
    expect(status).to.deep.include({ state: 'active', activeSince: (await kit.chain.committee()).epoch });
    await kit.govern('ban', devAddress(place));
    expect((await joinStatus(kit.chain, devAddress(place))).state).to.equal('out');
  });
});
