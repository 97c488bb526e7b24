import { expect } from 'chai';
import { attestationDigest, entryHashOf } from '../../../../services/core/admission/attestation.ts';
import { outcomeRecord } from '../../../../services/core/admission/outcomeRecord.ts';
import { sealedReport } from '../../../../services/core/admission/report.ts';
import { fromHex } from '../../../../services/core/bytes.ts';
import { recordIdBytes } from '../../../../services/core/record.ts';
import { recoverAddress } from '../../../../services/core/signature.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type AdmissionKit, admissionKit } from './admissionKit.ts';

describe('an authenticator', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  const fresh = async (options?: Parameters<typeof admissionKit>[1]) => {
    kit = await admissionKit(running.rpcUrl, options);
    return kit.desks[0]!;
  };

  it('attests who does all the work, and puts that into the log', async () => {
    const desk = await fresh();
    const candidate = await kit.candidate(5);
    const { report, attestation } = await candidate.join(desk);
    const { hash } = sealedReport(report);
    const { application, authenticator, signature } = attestation!;
    const { rules, manifest } = kit;
    expect(authenticator).to.equal(devAddress(0));
    expect(application).to.deep.include({
      entryHash: entryHashOf(candidate.entry),
      manifestHash: manifest.hash,
      profileDigest: hash,
      score: report.score,
      nonce: 0,
    });
    expect(report).to.deep.include({
      candidate: candidate.address,
      location: { country: 'AU', network: '203.0.113.0/24' },
    });
    expect(report.score).to.be.at.least(rules.minScore);
    const { registry } = kit.chain.admission;
    const digest = attestationDigest(registry, candidate.address, candidate.entry, application);
    expect(recoverAddress(crypto, digest, fromHex(signature))).to.equal(devAddress(0));
    expect((await desk.store.findRecord(recordIdBytes(outcomeRecord(report, hash))))?.where).to.equal('pool');
    expect(await desk.store.hasContent(hash)).to.equal(true);
  });
});
