import { expect } from 'chai';
import { propose } from '../../../../services/app/governance/propose.ts';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { canonicalBytes } from '../../../../services/core/canonicalJson.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { readConfiguration, resourceSetId } from '../../../../services/core/governance/configuration.ts';
import { parseEntry } from '../../../../services/core/record.ts';
import { devAddress, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { generalDraft, type ProposalKit, proposalKit, suspensionDraft } from './proposalKit.ts';

const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const resourceDraft = (title: string, patch: unknown, more: object = {}, rest: object = {}): string =>
  JSON.stringify({
    kind: 'resource',
    title,
    text: '',
    effect: { resourceSet: 'radio', patch: [patch], ...more },
    ...rest,
  });

describe('proposing', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  const fresh = async (options?: Parameters<typeof proposalKit>[1]) => {
    kit = await proposalKit(running.rpcUrl, options);
    return kit.centres[0]!;
  };
  const createdCount = async () => (await kit.events()).filter(({ type }) => type === 'proposal.created').length;

  it('keeps the content, puts the request into the log, and proposes once, however often it is asked', async () => {
    const centre = await fresh();
    const { actions, store } = centre;
    const first = await actions.propose(generalDraft('one'));
    expect(first.isNew).to.equal(true);
    expect(await store.hasContent(first.contentHash)).to.equal(true);
    const found = (await store.findRecord(fromHex(first.recordId)))!;
    const { record } = parseEntry((found as { entry: Uint8Array }).entry, { crypto });
    expect(record).to.deep.include({
      kind: 'x-notarium.proposal',
      subject: `urn:notarium:proposal:${first.proposalId}`,
      digest: `sha-256:${first.contentHash.slice(2)}`,
      meta: { proposalId: first.proposalId, kind: 'general' },
    });
    expect(first.acceptance?.recordId).to.equal(first.recordId);
    await centre.confirmed(first.proposalId);
    // Other spaces, the same draft.
    const again = await actions.propose(JSON.stringify(JSON.parse(generalDraft('one')), null, 2));
    expect({ ...again, isNew: true }).to.deep.equal(first);
    expect(again.isNew).to.equal(false);
    const [a, b] = await Promise.all([actions.propose(generalDraft('two')), actions.propose(generalDraft('two'))]);
    expect(a.proposalId).to.equal(b.proposalId);
    expect(await createdCount()).to.equal(2);
  });

  it('is the same proposal after a crash at any point', async () => {
    const { parts, actions } = await fresh();
    const crash = new NotariumError('storage-failed', 'as if killed');
    const put = parts.contents.put;
    const fail = async (): Promise<never> => {
      throw crash;
    };
    const interrupted = [
      { ...parts, contents: { ...parts.contents, put: fail } },
      { ...parts, accept: fail },
      { ...parts, governance: { ...parts.governance, propose: fail } },
    ];
    const hashes = new Set<Hash>();
    const watched = {
      ...parts.contents,
      async put(bytes: Uint8Array) {
        const hash = await put(bytes);
        hashes.add(hash);
        return hash;
      },
    };
    for (const each of interrupted) {
      const contents = each.contents === parts.contents ? watched : each.contents;
      await expectCode('storage-failed', propose({ ...each, contents }, generalDraft('crash')));
    }
    expect(await createdCount()).to.equal(0);
    const done = await actions.propose(generalDraft('crash'));
    expect([...hashes]).to.deep.equal([done.contentHash]);
    expect(done.isNew).to.equal(true);
    // Its transaction was mined, the answer was lost.
    expect((await actions.propose(generalDraft('crash'))).isNew).to.equal(false);
    expect(await createdCount()).to.equal(1);
  });

  it('completes a draft anew that can no longer be handed in', async () => {
    const { actions, store } = await fresh();
    const text = JSON.stringify({ ...JSON.parse(generalDraft('late')), validForSeconds: 3_600 });
    const draftHash = toHex(crypto.sha256(canonicalBytes(JSON.parse(text))));
    const { content, contentHash } = kit.draft('general', {});
    await store.keepProposalDraft({ draftHash, contentHash, content: JSON.stringify(content), validUntil: 5 });
    const done = await actions.propose(text);
    expect(done.isNew).to.equal(true);
    expect(done.contentHash).not.to.equal(contentHash);
    expect((await store.proposalDraft(draftHash))!.contentHash).to.equal(done.contentHash);
  });

  it('builds a resource proposal on the version at the head, and says when the head is another', async () => {
    const centre = await fresh({ centres: 2 });
    const { actions, governance, store } = centre;
    const first = await actions.propose(resourceDraft('first', add('/channels', { a: 1 })));
    const { hash } = readConfiguration({ channels: { a: 1 } }, crypto);
    expect(await store.hasContent(hash)).to.equal(true);
    const votes = await Promise.all([0, 1, 2, 3].map((voter) => kit.ballot(first.proposalId, voter, 'for')));
    await governance.castVotes(first.proposalId, votes);
    const early = resourceDraft('early', add('/channels/b', 2), { base: 0 });
    await actions.execute(first.proposalId);
    expect((await governance.resourceHeads(resourceSetId('radio'))).head).to.equal(1);
    const { data } = await expectCode('proposal-outdated', actions.propose(early));
    expect(data).to.deep.equal({ have: 0, want: 1 });
    await expectCode('patch-failed', actions.propose(resourceDraft('bad', { op: 'remove', path: '/nothing' })));
    const rebased = await actions.propose(resourceDraft('early', add('/channels/b', 2), { base: 0 }, { rebase: true }));
    const both = readConfiguration({ channels: { a: 1, b: 2 } }, crypto);
    expect(await store.hasContent(both.hash)).to.equal(true);
    const content = JSON.parse(new TextDecoder().decode(await centre.parts.contents.get(rebased.contentHash)));
    expect(content.effect).to.deep.include({
      base: 1,
      configurationHash: both.hash,
      uri: `/v1/contents/sha-256:${both.hash.slice(2)}`,
    });
    // Another centre without the configuration of the head, and nobody to ask.
    const other = kit.centres[1]!;
    const missing = await expectCode('content-unavailable', other.actions.propose(resourceDraft('x', add('/c', 3))));
    const { hash: headHash } = readConfiguration({ channels: { a: 1 } }, crypto);
    expect(missing.data).to.deep.equal({ resourceSet: 'radio', version: 1, hash: headHash });
    expect(missing.detail).to.include('radio, version 1');
    // What was voted on says it too.
    await other.parts.contents.put(await centre.parts.contents.get(first.contentHash));
    await until('its notice of the version', async () => (await other.store.resourceSetsOnChain()).length > 0);
    const computed = await other.actions.propose(resourceDraft('x', add('/c', 3)));
    const three = readConfiguration({ channels: { a: 1 }, c: 3 }, crypto);
    const text = new TextDecoder().decode(await other.parts.contents.get(computed.contentHash));
    expect(JSON.parse(text).effect).to.deep.include({ base: 1, configurationHash: three.hash });
  });

  it('hands in what a member signed elsewhere, and nothing that it did not', async () => {
    const { actions } = await fresh();
    const signed = async (draft: ReturnType<typeof kit.draft>, by?: number) => {
      const { content, validUntil } = draft;
      return JSON.stringify({ content, validUntil, signature: toHex(await kit.sign(draft, by)) });
    };
    const theirs = kit.draft('general', {}, 2);
    await expectCode('signature-mismatch', actions.propose(await signed(theirs, 1)));
    const done = await actions.propose(await signed(theirs));
    expect(done).to.deep.include({ contentHash: theirs.contentHash, isNew: true });
    const [event] = await kit.governance.events(...(await blockOf(done.transactionHash!)));
    expect(event).to.deep.include({ type: 'proposal.created', proposer: devAddress(2) });
    await expectCode('elector-unknown', actions.propose(await signed(kit.draft('general', {}, 5))));
    const patch = [{ op: 'add', path: '/a', value: 1 } as const];
    const configurationHash = `0x${'00'.repeat(32)}` as const;
    const version = (base: number) =>
      kit.draft('resource', { resourceSet: 'radio', base, patch, configurationHash, uri: '' });
    const { data } = await expectCode('proposal-outdated', actions.propose(await signed(version(4))));
    expect(data).to.deep.equal({ have: 4, want: 0 });
    const mismatch = await expectCode('proposal-mismatch', actions.propose(await signed(version(0))));
    expect(mismatch.data.field).to.equal('effect.configurationHash');
    await expectCode('proposal-invalid', actions.propose('{"content": 1}'));
    await expectCode('proposal-invalid', actions.propose(suspensionDraft('nobody')));
    await expectCode('json-malformed', actions.propose('{'));
  });

  it('keeps nothing of what was signed elsewhere and can no longer be handed in', async () => {
    const { actions, store, governance, parts } = await fresh();
    const { latestSeconds } = await kit.chain.chainTime();
    const late = { ...kit.draft('general', {}, 2), validUntil: latestSeconds - 1 };
    const signature = await kit.sign(late);
    const { content, contentHash, validUntil } = late;
    const text = JSON.stringify({ content, validUntil, signature: toHex(signature) });
    const refusal = await expectCode('chain-call-rejected', actions.propose(text));
    const byContract = await expectCode('chain-call-rejected', governance.propose(late, signature));
    expect(refusal.data.error).to.equal('DraftExpired');
    expect(byContract.data.error).to.equal('DraftExpired');
    // Both have the same names; the contract goes by the time of its block.
    expect(refusal.data.args).to.have.all.keys(Object.keys(byContract.data.args as object));
    expect(await store.hasContent(contentHash)).to.equal(false);
    // In the very second that it names it is in time.
    const now = parts.notices.chainSeconds() + 3_600;
    await kit.rpc('evm_setNextBlockTimestamp', [now]);
    const last = { ...kit.draft('general', {}, 2), validUntil: now };
    const sent = { ...parts, notices: { ...parts.notices, chainSeconds: () => now, lookSoon: () => {} } };
    const given = { content: last.content, validUntil: now, signature: toHex(await kit.sign(last)) };
    expect((await propose(sent, JSON.stringify(given))).isNew).to.equal(true);
  });

  async function blockOf(hash: Hash): Promise<[number, number]> {
    const { blockNumber } = (await kit.governance.transactionData(hash))!;
    return [blockNumber, blockNumber];
  }
});
