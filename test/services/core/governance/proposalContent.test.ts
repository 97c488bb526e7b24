import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { proposalKinds } from '../../../../services/core/governance/names.ts';
import {
  type ContentOf,
  maxContentBytes,
  readProposalContent,
} from '../../../../services/core/governance/proposalContent.ts';
import { expectCode } from '../../../support/expectCode.ts';

const account = `0x${'a1'.repeat(20)}` as const;
const key = `0x${'77'.repeat(32)}` as const;
const node = { account, name: 'Four', endpoint: 'https://four.example', encryptionKey: key, noteKey: key };
const rule = { aggregation: 'two-thirds', quorumShare: 5_000, delaySeconds: 0, periodSeconds: 60 };

const admissionRules = {
  manifestHash: key,
  attestations: 2,
  reapplySeconds: 3_600,
  minScore: 500,
  renewSeconds: 2_592_000,
  minHashesPerSecond: 1_000_000,
  memoryMiB: 256,
  minMemoryPassesPerMinute: 30,
  minWrittenMiBPerSecond: 50,
  minReadMiBPerSecond: 100,
};

const head = {
  format: 'notarium-proposal/1',
  network: `eip155:31337:0x${'0c'.repeat(20)}`,
  title: 'A title',
  text: '',
  time: '2026-11-21T01:30:00.000Z',
  proposer: account,
} as const;

const effects = {
  admission: {
    steps: [
      { do: 'enroll', node },
      { do: 'activate', account },
      { do: 'update', node },
      { do: 'admit', account, application: `0x${'ab'.repeat(20)}` },
      { do: 'rotate', account: `0x${'b2'.repeat(20)}`, node },
    ],
  },
  suspension: { accounts: [account] },
  removal: { accounts: [account], ban: [account], unban: [account] },
  authenticator: { changes: [{ account, isAllowed: true }] },
  parameter: { rules: [{ kind: 'resource', rule }], weights: [{ account, votes: 3 }], admission: admissionRules },
  resource: {
    resourceSet: 'ran.north',
    base: 0,
    patch: [{ op: 'add', path: '/cells', value: [] }],
    configurationHash: key,
    uri: '/v1/contents/sha-256:00',
  },
  general: {},
};

const general = { ...head, kind: 'general', effect: {} };
const resource = (change: Partial<Record<keyof ContentOf<'resource'>['effect'], unknown>>) => ({
  ...head,
  kind: 'resource',
  effect: { ...effects.resource, ...change },
});

describe('proposalContent', () => {
  for (const kind of proposalKinds) {
    it(`reads one of kind ${kind}, whose hash does not depend on its spelling`, () => {
      const content = { ...head, kind, effect: effects[kind] };
      const { hash, bytes } = readProposalContent(content);
      expect(hash).to.equal(`0x${createHash('sha256').update(bytes).digest('hex')}`);
      const spelled = JSON.stringify(Object.fromEntries(Object.entries(content).reverse()), null, 2);
      expect(readProposalContent(spelled).hash).to.equal(hash);
      expect(readProposalContent(Buffer.from(bytes)).content).to.deep.equal(content);
    });
  }

  const bad: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['another format', { ...general, format: 'notarium-proposal/2' }, 'format'],
    ['no network of ours', { ...general, network: 'mainnet' }, 'network'],
    ['a kind that is none', { ...general, kind: 'war' }, 'kind'],
    ['the effect of another kind', { ...general, effect: effects.suspension }, 'effect.accounts'],
    ['no title', { ...general, title: '' }, 'title'],
    ['half of a character', { ...general, title: 'a\ud800' }, ''],
    ['a field too much', { ...general, urgent: true }, 'urgent'],
    ['a time that is none', { ...general, time: 'today' }, 'time'],
    ['an address in capitals', { ...general, proposer: account.toUpperCase() }, 'proposer'],
    ['nobody to remove', { ...head, kind: 'removal', effect: { accounts: [] } }, 'effect.accounts'],
    [
      'more calls than the contract takes',
      { ...head, kind: 'removal', effect: { accounts: Array(9).fill(account) } },
      'effect.accounts',
    ],
    ['nobody to remove or ban', { ...head, kind: 'removal', effect: {} }, 'effect'],
    [
      'more removals and bans than the contract takes',
      { ...head, kind: 'removal', effect: { accounts: Array(4).fill(account), ban: Array(5).fill(account) } },
      'effect',
    ],
    [
      'no time between applications',
      { ...head, kind: 'parameter', effect: { admission: { ...admissionRules, reapplySeconds: 0 } } },
      'effect.admission.reapplySeconds',
    ],
    [
      'an application of another length',
      { ...head, kind: 'admission', effect: { steps: [{ do: 'admit', account, application: key }] } },
      'effect.steps.0.application',
    ],
    ['no parameter to change', { ...head, kind: 'parameter', effect: {} }, 'effect'],
    [
      'weights out of order',
      {
        ...head,
        kind: 'parameter',
        effect: {
          weights: [
            { account, votes: 1 },
            { account, votes: 1 },
          ],
        },
      },
      'effect.weights',
    ],
    [
      'a period of nothing',
      { ...head, kind: 'parameter', effect: { rules: [{ kind: 'general', rule: { ...rule, periodSeconds: 0 } }] } },
      'effect.rules.0.rule.periodSeconds',
    ],
    [
      'a name of more bytes than the registry takes',
      { ...head, kind: 'admission', effect: { steps: [{ do: 'enroll', node: { ...node, name: 'é'.repeat(33) } }] } },
      'effect.steps.0.node.name',
    ],
    ['a resource set with a path', resource({ resourceSet: '../etc' }), 'effect.resourceSet'],
    ['no patch', resource({ patch: [] }), 'effect.patch'],
    ['a base below nothing', resource({ base: -1 }), 'effect.base'],
    ['a long URI', resource({ uri: `/${'x'.repeat(512)}` }), 'effect.uri'],
  ];
  for (const [what, content, field] of bad) {
    it(`refuses ${what}, naming the field`, async () => {
      const code = field === '' ? 'json-lone-surrogate' : 'proposal-invalid';
      const { data } = await expectCode(code, () => readProposalContent(JSON.stringify(content)));
      if (field !== '') expect(data.field).to.equal(field);
    });
  }

  it('refuses JSON with two readings, and what is too large', async () => {
    const text = JSON.stringify(general);
    await expectCode('json-duplicate-key', () => readProposalContent(text.replace('{', '{"title":"b",')));
    await expectCode('json-malformed', () => readProposalContent(text.slice(1)));
    const value = 'x'.repeat(maxContentBytes);
    const large = resource({ patch: [{ op: 'add', path: '/a', value }] });
    await expectCode('json-too-large', () => readProposalContent(JSON.stringify(large)));
    await expectCode('proposal-invalid', () => readProposalContent({ ...general, text: undefined }));
    await expectCode('proposal-invalid', () => readProposalContent({ ...general, text: 1n }));
  });
});
