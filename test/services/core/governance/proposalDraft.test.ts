import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { readProposalDraft } from '../../../../services/core/governance/proposalDraft.ts';
import { codeOf } from '../../../support/codeOf.ts';
import { expectCode } from '../../../support/expectCode.ts';

const folder = new URL('../../../../examples/proposals/', import.meta.url);
const general = { kind: 'general', title: 'T', text: '', effect: {} };
const patch = [{ op: 'add', path: '/a', value: 1 }];

describe('core/governance/proposalDraft', () => {
  it('takes every example', async () => {
    const names = await readdir(folder);
    expect(names).to.include('resource-capacity.json');
    for (const name of names) {
      const text = await readFile(new URL(name, folder), 'utf8');
      expect(readProposalDraft(text), name).to.deep.equal(JSON.parse(text));
    }
  });

  it('lets the centre fill in the version, the hash and the place of a resource only', () => {
    const draft = { ...general, kind: 'resource', effect: { resourceSet: 'radio', patch } };
    expect(readProposalDraft(JSON.stringify(draft))).to.deep.equal(draft);
    for (const effect of [{ patch }, { resourceSet: 'radio' }]) {
      expect(codeOf(() => readProposalDraft(JSON.stringify({ ...draft, effect })))).to.equal('proposal-invalid');
    }
  });

  it('names the field that is wrong', async () => {
    const wrong: [object, string][] = [
      [{ ...general, title: '' }, 'title'],
      [{ ...general, kind: 'nonsense' }, 'kind'],
      [{ ...general, effect: { more: 1 } }, 'effect.more'],
      [{ ...general, proposer: `0x${'11'.repeat(20)}` }, 'proposer'],
      [{ ...general, validForSeconds: 0 }, 'validForSeconds'],
      [{ ...general, kind: 'suspension', effect: { accounts: ['0x12'] } }, 'effect.accounts.0'],
      [{ ...general, kind: 'resource', effect: { resourceSet: '../x', patch } }, 'effect.resourceSet'],
    ];
    for (const [draft, field] of wrong) {
      const error = await expectCode('proposal-invalid', () => readProposalDraft(JSON.stringify(draft)));
      expect(error.data.field).to.equal(field);
    }
  });

  it('refuses what is not strict JSON', () => {
    expect(codeOf(() => readProposalDraft('{'))).to.equal('json-malformed');
    expect(codeOf(() => readProposalDraft('{"kind":"general","kind":"general"}'))).to.equal('json-duplicate-key');
    expect(codeOf(() => readProposalDraft(Uint8Array.of(0xff)))).to.equal('text-not-utf8');
  });
});
