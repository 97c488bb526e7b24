import { expect } from 'chai';
import { signDraft } from '../../../services/app/signDraft.ts';
import { networkName } from '../../../services/core/eip712.ts';
import { readRecord } from '../../../services/core/record.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { expectCode } from '../../support/expectCode.ts';
import { crypto, randomSigner } from '../../support/recordKit.ts';

const network = { chainId: 31_337, contract: `0x${'5'.repeat(40)}` } as const;

describe('signDraft', () => {
  const parts = { network, clock: systemClock, signer: randomSigner(), crypto };
  const draft = { kind: 'evidence', subject: 'urn:draft', digest: `sha-256:${'cd'.repeat(32)}` };

  it('makes a record of what is there, with the centre as its submitter', async () => {
    for (const more of [{}, { v: 1, network: networkName(network), time: '2026-11-21T01:30:00.000Z' }]) {
      const { record } = readRecord(await signDraft(parts, { ...draft, ...more }, 'Acme'));
      expect(record).to.deep.include({
        ...draft,
        ...more,
        v: 1,
        network: networkName(network),
        submitter: parts.signer.address,
        meta: { onBehalfOf: 'Acme' },
      });
    }
  });

  it('signs nothing for another network, of another version, or in the name of another', async () => {
    const other = networkName({ ...network, chainId: 1 });
    await expectCode('record-network-mismatch', signDraft(parts, { ...draft, network: other }, 'Acme'));
    for (const wrong of [{ v: 2 }, { network: 'nonsense' }, { meta: { onBehalfOf: 'Other' } }]) {
      await expectCode('record-invalid', signDraft(parts, { ...draft, ...wrong }, 'Acme'));
    }
    for (const wrong of [{ holder: parts.signer.address }, { submitter: parts.signer.address }]) {
      await expectCode('record-unknown-field', signDraft(parts, { ...draft, ...wrong }, 'Acme'));
    }
  });
});
