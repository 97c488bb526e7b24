/**
 * Four centres share the configuration of a radio network, which a real HTTP service keeps, a document for each of them. They
 * change it by proposals: some pass, one loses, one comes too late; one document is written wrongly, which the reports on chain
 * show, and one is changed by hand, which the next look finds. Ends by itself with exit code 0, or with 1 when anything was not as it must be.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Support } from '../services/core/governance/names.ts';
import type { ProposalId } from '../services/core/governance/signing.ts';
import { type DraftedProposal, isNotariumError, type ProposalDetail, readProposalDraft } from '../services/index.ts';
import { type DemoCentre, startDemoCentres } from './support/demoCentres.ts';
import { ensureBuilt, root } from './support/ensureBuilt.ts';
import { Expectations } from './support/expectations.ts';
import { type Document, startResourceService } from './support/resourceService.ts';
import { settled as untilSettled } from './support/settled.ts';
import { startChain } from './support/startChain.ts';
import { stopping } from './support/stopping.ts';

const resourceSet = 'radio-north';
const limitMs = 120_000;
const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const expectations = new Expectations(say);
const proposals: ProposalId[] = [];

type Change = { op: 'replace'; path: string; value: unknown };
const change = (title: string, changes: Change[], more: object = {}): DraftedProposal =>
  ({ kind: 'resource', title, text: '', effect: { resourceSet, patch: changes, ...more } }) as DraftedProposal;
const example = async (name: string): Promise<DraftedProposal> =>
  readProposalDraft(await readFile(join(root, 'examples', 'proposals', name)));

const settled = <T>(look: () => Promise<T>, isSettled: (value: T) => boolean): Promise<T> =>
  untilSettled(look, isSettled, { limitMs, pauseMs: 200 });

async function propose(centre: DemoCentre, draft: DraftedProposal): Promise<ProposalId> {
  stopping.throwIfAborted();
  const { proposalId } = await centre.client.proposals.create(draft);
  proposals.push(proposalId);
  say(`\n${centre.name} proposes: ${draft.title}`);
  return proposalId;
}

async function vote(proposalId: ProposalId, votes: readonly [DemoCentre, Support, string?][]): Promise<void> {
  for (const [centre, support, by] of votes) {
    const how = by === 'signature' ? ({ by: 'signature' } as const) : {};
    await centre.client.proposals.vote(proposalId, support, how);
    say(`  ${centre.name} votes ${support}${by === 'signature' ? ', by signature' : ''}`);
  }
}

const seenBy = async (centre: DemoCentre, proposalId: ProposalId, isSettled: (seen: ProposalDetail) => boolean) =>
  settled(() => centre.client.proposals.get(proposalId), isSettled);
const stateAt = async (centre: DemoCentre, proposalId: ProposalId, want: string): Promise<string> =>
  (await seenBy(centre, proposalId, ({ state }) => state === want)).state;

/** State of a version at each centre. */
const ownStates = async (centres: readonly DemoCentre[], version: number): Promise<string[]> =>
  Promise.all(
    centres.map(async ({ client }) => {
      const found = await client.resources.version(resourceSet, version).catch(missing);
      return found?.own?.state ?? 'unknown';
    }),
  );
const appliedBy = async (centres: readonly DemoCentre[], version: number): Promise<string[]> =>
  settled(
    () => ownStates(centres, version),
    (states) => states.every((state) => state === 'applied'),
  );
const inForceAt = async ({ client }: DemoCentre, want: number): Promise<number> =>
  await settled(
    async () => (await client.resources.get(resourceSet).catch(missing))?.inForce ?? 0,
    (version) => version === want,
  );

// A version that a centre has not heard of yet.
function missing(error: unknown): undefined {
  if (isNotariumError(error, 'resource-unknown')) return undefined;
  throw error;
}

ensureBuilt(say);
const base = await mkdtemp(join(tmpdir(), 'notarium demo '));
const service = await startResourceService();
// A block a second, as on a real chain: votes end by its clock.
const chain = await startChain({ kind: 'anvil', detached: true, args: ['--block-time', '1'] });
const ids = ['centre-1', 'centre-2', 'centre-3', 'centre-4'];
const documents = (): (Document | undefined)[] => ids.map((id) => service.documentOf(id));
let centres: readonly DemoCentre[] = [];
try {
  ({ centres } = await startDemoCentres({
    count: ids.length,
    base,
    rpcUrl: chain.rpcUrl,
    resourcesOf: (id) => ({ [resourceSet]: { adapter: 'http', url: service.urlOf(id), checkSeconds: 2 } }),
    say,
  }));
  const [one, two, three, four] = centres as unknown as [DemoCentre, DemoCentre, DemoCentre, DemoCentre];
  say(`A resource service at ${service.urlOf('')} keeps a document for each of them.`);

  const first = await propose(one, await example('resource-first.json'));
  await vote(first, [
    [one, 'for'],
    [two, 'for'],
    [three, 'for'],
  ]);
  expectations.check('the first configuration passes', await stateAt(four, first, 'executed'), 'executed');
  expectations.check(
    'every centre applies it',
    await appliedBy(centres, 1),
    ids.map(() => 'applied'),
  );
  expectations.check('it is in force', await inForceAt(four, 1), 1);

  const capacity = await propose(two, await example('resource-capacity.json'));
  await vote(capacity, [
    [two, 'for'],
    [three, 'for', 'signature'],
    [four, 'for', 'signature'],
  ]);
  expectations.check('a capacity change passes by majority', await stateAt(one, capacity, 'executed'), 'executed');
  await appliedBy(centres, 2);
  const capacities = documents().map((document) => (document as { cells?: { A1?: Document } })?.cells?.A1?.capacity);
  expectations.check('the service has it in every document', capacities, [150, 150, 150, 150]);
  expectations.check('it is in force', await inForceAt(one, 2), 2);

  const rule = { aggregation: 'two-thirds', quorumShare: 5_000, delaySeconds: 0, periodSeconds: 3_600 } as const;
  const twoThirds = await propose(one, {
    kind: 'parameter',
    title: 'Two thirds for resource proposals',
    text: '',
    effect: { rules: [{ kind: 'resource', rule }] },
  });
  await vote(twoThirds, [
    [one, 'for'],
    [two, 'for'],
    [three, 'for'],
  ]);
  expectations.check(
    'the rule for resources becomes two thirds',
    await stateAt(two, twoThirds, 'executed'),
    'executed',
  );

  const emergency = await propose(
    three,
    change('Emergency mode', [{ op: 'replace', path: '/emergency', value: true }]),
  );
  await vote(emergency, [
    [three, 'for'],
    [one, 'for'],
    [four, 'against'],
  ]);
  const open = await seenBy(two, emergency, ({ votes }) => votes.length === 3);
  expectations.check('an emergency change with 2 of 3 votes', [open.aggregation, open.state], ['two-thirds', 'active']);
  await vote(emergency, [[two, 'for']]);
  expectations.check('with 3 of 4 it passes', await stateAt(one, emergency, 'executed'), 'executed');
  await appliedBy(centres, 3);
  expectations.check(
    'emergency mode is on everywhere',
    documents().map((document) => document?.emergency),
    [true, true, true, true],
  );

  const losing = await propose(four, change('Less for A2', [{ op: 'replace', path: '/cells/A2/capacity', value: 10 }]));
  await vote(losing, [
    [four, 'for'],
    [one, 'for'],
    [two, 'against'],
    [three, 'against'],
  ]);
  expectations.check('a change with 2 of 4 votes loses', await stateAt(one, losing, 'defeated'), 'defeated');
  const refused = await one.client.proposals.execute(losing).then(
    () => 'executed',
    (error: { code?: string }) => error.code ?? String(error),
  );
  expectations.check('it cannot be executed', refused, 'proposal-state');

  say(`\n${two.name} proposes a change against version 1`);
  const late = change('Too late', [{ op: 'replace', path: '/cells/A1/capacity', value: 120 }], { base: 1 });
  const outdated = await two.client.proposals.create(late).then(
    () => 'taken',
    (error: unknown) => (isNotariumError(error) ? [error.code, error.data.have, error.data.want] : String(error)),
  );
  expectations.check('one for an old version is refused', outdated, ['proposal-outdated', 1, 3]);

  // A tenth of what it is told: as a mistaken unit would do.
  service.alter('centre-4', (document) => {
    const { cells } = document as { cells: Record<string, { capacity: number }> };
    return cells.A2?.capacity === 120 ? { ...document, cells: { ...cells, A2: { capacity: 12 } } } : document;
  });
  const faulty = await propose(one, change('More for A2', [{ op: 'replace', path: '/cells/A2/capacity', value: 120 }]));
  await vote(faulty, [
    [one, 'for'],
    [two, 'for'],
    [four, 'for'],
  ]);
  expectations.check(
    'a change that one service writes wrongly passes',
    await stateAt(one, faulty, 'executed'),
    'executed',
  );
  const version = await settled(
    async () => one.client.resources.version(resourceSet, 4).catch(missing),
    (found) => found?.matching === 3 && found.differing === 1,
  );
  const nameOf = (address: string): string => centres.find((centre) => centre.address === address)?.name ?? address;
  const wrong = version?.reports.filter(({ matches }) => !matches).map(({ reporter }) => nameOf(reporter));
  expectations.check('reports on chain: right, wrong', [version?.matching, version?.differing], [3, 1]);
  expectations.check('the one who has something else', wrong, ['Centre 4']);
  expectations.check('in force all the same, by quorum', [version?.state, await inForceAt(two, 4)], ['verified', 4]);
  const states = await settled(
    () => ownStates(centres, 4),
    ([, , , last]) => last === 'rolled-back' || last === 'failed',
  );
  expectations.check('what each did', states, ['applied', 'applied', 'applied', 'rolled-back']);
  const a2 = documents().map((document) => (document as { cells?: { A2?: Document } })?.cells?.A2?.capacity);
  expectations.check('what is really there', a2, [120, 120, 120, 100]);

  say(`\nSomebody changes the document of ${three.name} by hand`);
  service.meddle('centre-3', { ...documents()[2], emergency: false });
  const lookAt = async () => (await three.client.resources.get(resourceSet)).own?.check;
  const drifted = await settled(lookAt, (check) => check?.matches === false);
  expectations.check('its next look finds what differs', drifted?.differences, ['/emergency']);
  const reported = await settled(
    async () => (await one.client.resources.version(resourceSet, 4)).differing,
    (differing) => differing === 2,
  );
  expectations.check('and reports it to all', reported, 2);
  const { own } = await three.client.resources.check(resourceSet, { repair: true });
  expectations.check('a repair writes what was passed', own?.check?.matches, true);

  say('\nEvery result, checked by this machine with governor and electorate from the chain:');
  for (const [index, proposalId] of proposals.entries()) {
    const { client } = centres[index % centres.length]!;
    const verified = await settled(
      async () => client.proposals.verify(await client.proposals.get(proposalId)),
      ({ isConfirmed }) => isConfirmed,
    );
    const { content, outcome, isConfirmed } = verified;
    const want = proposalId === losing ? 'defeated' : 'passed';
    expectations.check(`${content.title}: result, confirmed`, [outcome?.decision, isConfirmed], [want, true]);
  }
} catch (error) {
  // What is stopped under it may fail in any way.
  if (!stopping.aborted) throw error;
} finally {
  await Promise.all(centres.map((centre) => centre.stop()));
  await chain.stop();
  await service.close();
  await rm(base, { recursive: true, force: true });
}

expectations.conclude();
