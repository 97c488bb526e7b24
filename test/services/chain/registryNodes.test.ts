import { expect } from 'chai';
import type { Address } from '../../../services/core/bytes.ts';
import { applicationName, applicationOf } from '../../contracts/support/admissionKit.ts';
import { devAddress } from '../../support/chains.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import { type ApplicantKit, applicantKit, farExpiry, hashOf, usualRules } from './applicantKit.ts';

describe('nodes of the registry', () => {
  let kit: ApplicantKit;
  before(async () => {
    const { rpcUrl } = await sharedHardhat();
    kit = await applicantKit(rpcUrl);
  });
  after(() => kit.close());

  const candidate = devAddress(5);
  const nodeOf = async (account: Address) => (await kit.chain.nodes()).find(({ address }) => address === account);

  it('show authenticators, and candidates by what they have published', async () => {
    const { chain, entry, fields, attest, govern } = kit;
    expect((await chain.nodes()).map(({ isAuthenticator }) => isAuthenticator)).to.deep.equal([
      true,
      true,
      true,
      undefined,
    ]);

    await chain.admission.applyFor(fields(), await attest(fields()));
    expect(await nodeOf(candidate)).to.equal(undefined);
    await chain.admission.publish(entry, fields());

    const profileDigest = hashOf('44');
    const { manifestHash } = usualRules;
    const name = applicationName(
      entry,
      applicationOf(entry, { manifestHash, profileDigest, expiry: BigInt(farExpiry) }),
    );
    const published = await nodeOf(candidate);
    const { appliedAt } = published!.application!;
    const { account: address, ...info } = entry;
    expect(published).to.deep.equal({
      address,
      ...info,
      status: 'candidate',
      application: { name, appliedAt, expiry: farExpiry, score: 700, profileDigest },
    });
    expect(appliedAt).to.be.within(1, (await chain.chainTime()).latestSeconds);

    await govern('admit', candidate, name);
    expect((await nodeOf(candidate))?.status).to.equal('active');
    await govern('ban', candidate);
    const banned = await nodeOf(candidate);
    expect(banned?.status).to.equal('banned');
    expect(banned).to.not.have.property('application');
  });
});
