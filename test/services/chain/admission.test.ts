import { expect } from 'chai';
import { nodeRegistryAt } from '../../../services/chain/contracts.ts';
import {
  type ApplicationFields,
  applicationNameOf,
  attestationDigest,
} from '../../../services/core/admission/attestation.ts';
import { concat, fromHex, toHex } from '../../../services/core/bytes.ts';
import type { ErrorData } from '../../../services/core/errors.ts';
import type { AdmissionRules } from '../../../services/core/governance/proposalContent.ts';
import { fullSignature } from '../../../services/core/signature.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { anvilControl } from '../../support/anvil.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../support/chains.ts';
import { expectCode } from '../../support/expectCode.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import { until } from '../../support/until.ts';
import { type ApplicantKit, applicantKit, farExpiry, hashOf, usualRules } from './applicantKit.ts';
import { chainKit, crypto } from './chainKit.ts';

const candidate = devAddress(5);
const empty = { name: '', endpoint: '', encryptionKey: hashOf('00'), noteKey: hashOf('00') };

describe('admission of a chain', () => {
  let rpcUrl: string;
  let kit: ApplicantKit | undefined;
  before(async () => {
    ({ rpcUrl } = await sharedHardhat());
  });
  afterEach(() => kit?.close());
  const fresh = async (rules?: AdmissionRules): Promise<ApplicantKit> => {
    kit = await applicantKit(rpcUrl, rules);
    return kit;
  };

  it('tells the rules as a vote has set them', async () => {
    const { chain, govern, deployed } = await fresh();
    const { admission } = chain;
    expect(admission.registry).to.deep.equal({ chainId: deployed.chainId, contract: deployed.registry });
    expect(await admission.rules()).to.deep.equal(usualRules);
    const changed = { ...usualRules, manifestHash: hashOf('77'), attestations: 255, reapplySeconds: 2 ** 24 - 1 };
    await govern('setAdmissionRules', changed);
    expect(await admission.rules()).to.deep.equal(changed);
    const { chain: unset } = await chainKit(rpcUrl);
    const zeros = Object.fromEntries(Object.keys(usualRules).map((name) => [name, 0]));
    expect(await unset.admission.rules()).to.deep.equal({ ...zeros, manifestHash: hashOf('00') });
    unset.close();
  });

  it('goes from a stranger to a centre', async () => {
    const { chain, rpc, govern, fields, attest, entry, open } = await fresh();
    const { admission } = chain;
    const stranger = {
      address: candidate,
      status: 'none',
      isAuthenticator: false,
      isListedAuthenticator: false,
      appliedAt: 0,
      ...empty,
    };
    expect(await admission.node(candidate)).to.deep.equal(stranger);

    const application = fields();
    const signatures = await attest(application);
    const name = applicationNameOf(candidate, entry, application);
    const registry = nodeRegistryAt(admission.registry.contract, rpc);
    expect([...(await registry.hashApplication(candidate, application))]).to.deep.equal([
      toHex(attestationDigest(admission.registry, candidate, entry, application)),
      name,
    ]);
    const applied = await admission.applyFor(application, signatures);
    expect(await chain.transactionStatus(applied.transactionHash)).to.deep.include({
      status: 'mined',
      succeeded: true,
      blockNumber: applied.blockNumber,
      gasUsed: applied.gasUsed,
    });
    const block = (await rpc('eth_getBlockByNumber', [`0x${applied.blockNumber.toString(16)}`, false])) as {
      timestamp: string;
    };
    const appliedAt = Number(block.timestamp);
    const asCandidate = { ...stranger, status: 'candidate', appliedAt, application: name };
    expect(await admission.node(candidate)).to.deep.equal(asCandidate);

    // By anyone, and once more.
    const other = await open({ signer: localSigner(devKey(6), crypto) });
    await other.admission.publish(entry, application);
    await admission.publish(entry, application);
    other.close();
    const { account: _, ...info } = entry;
    const published = { name, appliedAt, expiry: farExpiry, score: 700, profileDigest: hashOf('44') };
    expect(await admission.node(candidate)).to.deep.equal({ ...asCandidate, ...info, published });

    await govern('admit', candidate, name);
    expect((await chain.committee()).members.at(-1)).to.equal(candidate);
    expect((await admission.node(candidate)).status).to.equal('active');
  });

  it('tells who may attest from who is on the list of those', async () => {
    const { chain, govern } = await fresh();
    const rights = async (account: number) => {
      const { isAuthenticator, isListedAuthenticator } = await chain.admission.node(devAddress(account));
      return [isAuthenticator, isListedAuthenticator];
    };
    expect(await rights(1)).to.deep.equal([true, true]);
    expect(await rights(3)).to.deep.equal([false, false]);
    await govern('suspend', devAddress(1));
    expect(await rights(1)).to.deep.equal([false, true]);
  });

  it('takes a later application in the place of the one before, also while no block comes', async () => {
    const { chain, fields, attest, entry } = await fresh({ ...usualRules, reapplySeconds: 1 });
    const { admission } = chain;
    await admission.applyFor(fields(), await attest(fields()));
    await admission.publish(entry, fields());
    const { appliedAt } = await admission.node(candidate);
    const next = fields({ nonce: appliedAt, profileDigest: hashOf('55') });
    const signatures = await attest(next);
    await until('the wait is over', async () => ((await chain.chainTime()).pendingSeconds ?? 0) > appliedAt);
    await admission.applyFor(next, signatures);
    const node = await admission.node(candidate);
    expect(node.application).to.equal(applicationNameOf(candidate, entry, next));
    // What is published is the one before.
    expect(node).to.not.have.property('published');
  });

  describe('refuses', () => {
    const high = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1');
    const invalid: readonly {
      readonly error: string;
      readonly changes?: Partial<ApplicationFields>;
      /** Instead of two good attestations. */
      readonly signatures?: (kit: ApplicantKit, fields: ApplicationFields) => Promise<Uint8Array>;
    }[] = [
      { error: 'ManifestMismatch', changes: { manifestHash: hashOf('12') } },
      { error: 'ScoreTooLow', changes: { score: 499 } },
      { error: 'NonceMismatch', changes: { nonce: 1 } },
      { error: 'AttestationsMissed', signatures: ({ attest }, fields) => attest(fields, [1]) },
      { error: 'AttesterRefused', signatures: ({ attest }, fields) => attest(fields, [0, 3]) },
      { error: 'AttesterOrder', signatures: ({ attest }, fields) => attest(fields, [0, 0]) },
      {
        error: 'SignatureLength',
        signatures: async ({ attest }, fields) => fullSignature(await attest(fields, [0])),
      },
      {
        error: 'SignatureMalleable',
        signatures: async ({ attest }, fields) => concat(fromHex('11'.repeat(32)), high, await attest(fields, [0])),
      },
      {
        error: 'SignatureInvalid',
        signatures: async ({ attest }, fields) =>
          concat(fromHex('ff'.repeat(32)), fromHex('01'.repeat(32)), await attest(fields, [0])),
      },
    ];
    for (const { error, changes, signatures } of invalid) {
      it(`attestations that are not valid: ${error}`, async () => {
        const setting = await fresh();
        const application = setting.fields(changes);
        const given = await (signatures ?? (({ attest }, fields) => attest(fields)))(setting, application);
        const { data } = await expectCode('attestation-invalid', setting.chain.admission.applyFor(application, given));
        expect(data).to.have.property('error', error);
        expect((await setting.chain.admission.node(candidate)).status).to.equal('none');
      });
    }

    it('applications while the rules ask for no attestation', async () => {
      const { chain, fields, attest } = await fresh({ ...usualRules, attestations: 0 });
      await expectCode('admission-closed', chain.admission.applyFor(fields(), await attest(fields())));
    });

    it('an attestation that has expired', async () => {
      const { chain, fields, attest } = await fresh();
      const application = fields({ expiry: 1 });
      const attempt = chain.admission.applyFor(application, await attest(application));
      const { data } = await expectCode('attestation-expired', attempt);
      expect(data).to.deep.include({ want: 1 });
      expect(data.have).to.be.greaterThan(1_700_000_000);
    });

    it('an application a short time after the last one', async () => {
      const { chain, fields, attest } = await fresh();
      const { admission } = chain;
      await admission.applyFor(fields(), await attest(fields()));
      const { appliedAt } = await admission.node(candidate);
      const next = fields({ nonce: appliedAt });
      const { data } = await expectCode('application-early', admission.applyFor(next, await attest(next)));
      expect(Object.keys(data)).to.deep.equal(['have', 'want']);
      expect(data.want).to.equal(appliedAt + usualRules.reapplySeconds);
      expect(data.have).to.be.within(appliedAt, appliedAt + usualRules.reapplySeconds - 1);
    });

    it('an application by its account, and the publication of one that there is not', async () => {
      const { chain, govern, fields, attest, entry } = await fresh();
      const { admission } = chain;
      const refusedWith = async (data: ErrorData, attempt: Promise<unknown>) =>
        expect((await expectCode('application-refused', attempt)).data).to.deep.equal(data);
      await refusedWith({ status: 'none' }, admission.publish(entry, fields()));
      const application = fields();
      await admission.applyFor(application, await attest(application));
      const wrong = fields({ score: 701 });
      const { data } = await expectCode('chain-call-rejected', admission.publish(entry, wrong));
      expect(data).to.have.property('error', 'ApplicationMismatch');
      await admission.publish(entry, application);
      await govern('admit', candidate, applicationNameOf(candidate, entry, application));
      const next = fields({ nonce: (await admission.node(candidate)).appliedAt });
      const signatures = await attest(next);
      await refusedWith({ status: 'active' }, admission.applyFor(next, signatures));
      await refusedWith({ status: 'active' }, admission.publish(entry, application));
      await govern('suspend', candidate);
      await refusedWith({ status: 'suspended' }, admission.applyFor(next, signatures));
      await govern('ban', candidate);
      await refusedWith({ status: 'banned' }, admission.applyFor(next, signatures));
    });

    it('to send without a key', async () => {
      const { fields, attest, entry, openReader } = await fresh();
      const { admission, close } = await openReader();
      await expectCode('key-missing', admission.applyFor(fields(), await attest(fields())));
      await expectCode('key-missing', admission.publish(entry, fields()));
      expect((await admission.rules()).attestations).to.equal(2);
      close();
    });
  });

  describe('on a chain that is slow', () => {
    let running: RunningChain;
    before(async () => {
      running = await startChain({ kind: 'anvil' });
    });
    after(() => running.stop());

    it('sends an application again for more when it is stuck, and the same one once', async () => {
      kit = await applicantKit(running.rpcUrl, usualRules, { replaceCallAfterMs: 600 });
      const { chain, rpc, fields, attest } = kit;
      const { pending } = anvilControl(running.rpcUrl);
      const signatures = await attest(fields());
      await rpc('evm_setAutomine', [false]);
      const attempts = [fields(), fields()].map((application) => chain.admission.applyFor(application, signatures));
      const [stuck] = await until('it waits', async () => {
        const waiting = await pending();
        return waiting.length > 0 && waiting;
      });
      const raised = await until('it offers more', async () => {
        const waiting = await pending();
        expect(waiting).to.have.length(1);
        return waiting.find(({ hash }) => hash !== stuck!.hash);
      });
      expect(raised.nonce).to.equal(stuck!.nonce);
      expect(BigInt(raised.maxFeePerGas) * 1000n >= BigInt(stuck!.maxFeePerGas) * 1125n).to.equal(true);
      await rpc('evm_mine', []);
      await rpc('evm_setAutomine', [true]);
      const [first, second] = await Promise.all(attempts);
      expect(second).to.deep.equal(first);
      expect((await chain.admission.node(candidate)).status).to.equal('candidate');
    });
  });
});
