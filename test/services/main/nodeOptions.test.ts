import { expect } from 'chai';
import type { Settings } from '../../../services/cli/settings.ts';
import { nodeOptions } from '../../../services/main/nodeOptions.ts';
import { expectCode } from '../../support/expectCode.ts';

const contract = `0x${'5f'.repeat(20)}`;
const base = { data: 'data', networks: 'networks', rpcUrl: 'http://127.0.0.1:8545', contract } as Settings;
const promiseSlots = (more: Partial<Settings>): number | undefined =>
  nodeOptions({ ...base, ...more }, '').settings?.promiseSlots;

describe('options of a node', () => {
  it('promise by a slot that the confirmations leave time for', async () => {
    expect(promiseSlots({})).to.equal(60);
    expect(promiseSlots({ confirmations: 70 })).to.equal(150);
    expect(promiseSlots({ confirmations: 70, promiseSlots: 71 })).to.equal(71);
    const error = await expectCode('config-invalid', () => promiseSlots({ confirmations: 70, promiseSlots: 70 }));
    expect(error.data).to.deep.equal({ promiseSlots: 70, confirmations: 70 });
  });

  it('let candidates wait as long as the operator wants', () => {
    const admission = (more: Partial<Settings>) => nodeOptions({ ...base, ...more }, '').admission;
    expect(admission({})).to.equal(undefined);
    expect(admission({ admissionWait: 0 })).to.deep.equal({ firstWaitMs: 0 });
    expect(admission({ asnDatabase: '/asn.mmdb' })).to.deep.equal({ asnDatabase: '/asn.mmdb' });
  });
});
