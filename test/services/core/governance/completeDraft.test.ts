import { expect } from 'chai';
import { completeDraft } from '../../../../services/core/governance/completeDraft.ts';
import { readConfiguration } from '../../../../services/core/governance/configuration.ts';
import type { DraftedProposal } from '../../../../services/core/governance/proposalDraft.ts';
import { expectCode } from '../../../support/expectCode.ts';

const basis = {
  network: `eip155:31337:0x${'11'.repeat(20)}`,
  proposer: `0x${'22'.repeat(20)}`,
  time: '2026-11-21T01:30:00.000Z',
} as const;
const about = { title: 'T', text: 'why' };
const patch = [{ op: 'replace' as const, path: '/a', value: 2 }];
const head = { version: 3, configuration: { a: 1 } };
const result = readConfiguration({ a: 2 });

const resource = (effect: object, more: object = {}): DraftedProposal =>
  ({ kind: 'resource', ...about, effect: { resourceSet: 'radio', patch, ...effect }, ...more }) as DraftedProposal;

describe('core/governance/completeDraft', () => {
  it('fills in who, where and when', () => {
    const { content, hash, configuration } = completeDraft(
      { kind: 'general', ...about, effect: {}, validForSeconds: 9 },
      basis,
    );
    expect(content).to.deep.equal({
      format: 'notarium-proposal/1',
      ...basis,
      kind: 'general',
      title: 'T',
      text: 'why',
      effect: {},
    });
    expect(hash).to.match(/^0x[0-9a-f]{64}$/);
    expect(configuration).to.equal(undefined);
  });

  it('computes what a patch makes of the newest version', () => {
    const { content, configuration } = completeDraft(resource({}), { ...basis, head });
    expect(content.effect).to.deep.equal({
      resourceSet: 'radio',
      base: 3,
      patch,
      configurationHash: result.hash,
      uri: `/v1/contents/sha-256:${result.hash.slice(2)}`,
    });
    expect(configuration).to.deep.equal(result);
  });

  it('keeps what the draft says, where it is so', () => {
    const given = { base: 3, configurationHash: result.hash, uri: 'https://example.org/3' };
    expect(completeDraft(resource(given), { ...basis, head }).content.effect).to.deep.include(given);
    const first = resource({ patch: [{ op: 'add', path: '/a', value: 2 }] });
    const none = { version: 0, configuration: {} };
    expect(completeDraft(first, { ...basis, head: none }).content.effect).to.deep.include({
      base: 0,
      configurationHash: result.hash,
    });
  });

  it('refuses an old base and another hash, and rebases when asked', async () => {
    const old = { base: 2, configurationHash: `0x${'0'.repeat(64)}` };
    const outdated = await expectCode('proposal-outdated', () => completeDraft(resource(old), { ...basis, head }));
    expect(outdated.data).to.deep.equal({ have: 2, want: 3 });
    const other = { ...old, base: 3 };
    const mismatch = await expectCode('proposal-mismatch', () => completeDraft(resource(other), { ...basis, head }));
    expect(mismatch.data).to.include({ field: 'effect.configurationHash', want: result.hash });
    const rebased = completeDraft(resource(old, { rebase: true }), { ...basis, head });
    expect(rebased.content.effect).to.deep.include({ base: 3, configurationHash: result.hash });
  });

  it('refuses a patch that does not apply, or leaves no object', async () => {
    const gone = resource({ patch: [{ op: 'remove', path: '/b' }] }, { rebase: true });
    await expectCode('patch-failed', () => completeDraft(gone, { ...basis, head }));
    const list = resource({ patch: [{ op: 'replace', path: '', value: [] }] });
    await expectCode('configuration-invalid', () => completeDraft(list, { ...basis, head }));
  });
});
