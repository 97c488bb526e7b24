import { readFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { expect } from 'chai';
import { type JoinStep, type JoinWish, join } from '../../../../services/app/admission/join.ts';
import type { Chain } from '../../../../services/chain/Chain.ts';
import { openChain } from '../../../../services/chain/openChain.ts';
import { readManifest } from '../../../../services/core/admission/manifest.ts';
import { fromUtf8, utf8 } from '../../../../services/core/bytes.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type AdmissionKit, admissionKit, noWork } from './admissionKit.ts';

/** Two centres challenge; a candidate of its own in each test. */
describe('join, again or in pieces', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  let urls: string[];
  let http: HttpTest[];
  let opened: AsyncDisposableStack;
  // The last one has no gas.
  let place = 3;
  let dataDir: string;
  let chain: Chain;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await admissionKit(running.rpcUrl, { centres: 2, admission: noWork });
    http = [await startHttpTest(), await startHttpTest()];
    for (const [at, { desk }] of kit.desks.entries()) Object.assign(http[at]!.centre, { admission: desk });
    urls = http.map(({ url }) => url);
  });
  beforeEach(async () => {
    place++;
    opened = new AsyncDisposableStack();
    dataDir = opened.use(await temporaryFolder()).path;
    const { rpcUrl } = running;
    const signer = localSigner(devKey(place), crypto);
    chain = await openChain({ rpcUrl, contract: kit.chain.info.network.contract, signer, logger: silentLogger });
    opened.defer(() => chain.close());
  });
  afterEach(() => opened.disposeAsync());
  after(async () => {
    await stopHttpTests();
    await kit?.dispose();
    await running?.stop();
  });

  const joining = async (wish: Partial<JoinWish> = {}, changes: Partial<Chain> = {}) => {
    const steps: JoinStep['step'][] = [];
    const { entry } = await kit.candidate(place);
    const joined = await join(
      {
        chain: { ...chain, ...changes },
        signer: localSigner(devKey(place), crypto),
        crypto,
        clock: systemClock,
        dataDir,
      },
      {
        ...{ manifest: kit.manifest, entry, statement: 'hello', authenticators: [urls[0]!] },
        onStep: ({ step }) => void steps.push(step),
        ...wish,
      },
    );
    return { ...joined, steps: [...new Set(steps)] };
  };
  /** A chain that takes no publication, as when the process ends before it. */
  const unpublished = (): Partial<Chain> => ({
    admission: { ...chain.admission, publish: () => Promise.reject(new Error('gone')) },
  });
  /** One that takes no application either. */
  const unapplied = (): Partial<Chain> => ({
    admission: { ...chain.admission, applyFor: () => Promise.reject(new Error('gone')) },
  });
  const failing = async (wish: Partial<JoinWish>, changes: Partial<Chain>): Promise<void> => {
    const error = await joining(wish, changes).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message', 'gone');
  };

  it('goes all the way; again there is nothing to do, and nobody to be asked', async () => {
    const first = await joining();
    expect(first.steps).to.deep.equal(['rules', 'measuring', 'measured', 'packet', 'attested', 'applied', 'published']);
    const again = await joining({ authenticators: [] });
    expect(again.steps).to.deep.equal(['rules', 'kept']);
    expect(again.application).to.equal(first.application);
  });

  it('applies with what is kept, without an authenticator', async () => {
    await failing({}, unapplied());
    const { steps } = await joining({ authenticators: [] });
    expect(steps).to.deep.equal(['rules', 'kept', 'applied', 'published']);
  });

  it('keeps the manifest before anything else can fail', async () => {
    await expectCode('chain-funds-missing', joining({}, { balance: async () => 0n }));
    expect(await readFile(joinPath(dataDir, 'manifest.json'), 'utf8')).to.equal(fromUtf8(kit.manifest.bytes));
  });

  it('asks for no funds where gas costs nothing', async () => {
    const { steps } = await joining({}, { balance: async () => 0n, isGasFree: async () => true });
    expect(steps.at(-1)).to.equal('published');
  });

  it('is challenged anew when who has attested is no authenticator any more', async () => {
    await failing({}, unapplied());
    await kit.govern('setAuthenticator', devAddress(0), false);
    try {
      const { steps, report } = await joining({ authenticators: [urls[1]!] });
      expect(steps).to.include.members(['attested', 'applied', 'published']).and.not.include('kept');
      expect(report.authenticator).to.equal(devAddress(1));
    } finally {
      await kit.govern('setAuthenticator', devAddress(0), true);
      await until('it to challenge again', () => kit.desks[0]!.desk.authenticator().then(Boolean, () => false));
    }
  });

  it('publishes what it has applied for after the rules have named another manifest', async () => {
    await failing({}, unpublished());
    const other = readManifest(utf8(fromUtf8(kit.manifest.bytes).replace('be honest', 'be very honest')), crypto);
    await kit.govern('setAdmissionRules', { ...kit.rules, manifestHash: other.hash });
    try {
      await expectCode('manifest-invalid', joining({ again: true }));
      const { steps } = await joining({ authenticators: [] });
      expect(steps).to.deep.equal(['kept', 'published']);
    } finally {
      await kit.govern('setAdmissionRules', kit.rules);
    }
  });

  it('asks for as many authenticators as the rules', async () => {
    const { data } = await expectCode('usage-invalid', joining({ authenticators: [] }));
    expect(data).to.deep.equal({ have: 0, want: 1 });
  });
});
