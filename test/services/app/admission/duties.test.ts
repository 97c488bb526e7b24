import { expect } from 'chai';
import { StandingWatch } from '../../../../services/app/admission/StandingWatch.ts';
import { VoteOpener } from '../../../../services/app/admission/VoteOpener.ts';
import { packAttestations } from '../../../../services/core/admission/attestation.ts';
import { outcomeRecord } from '../../../../services/core/admission/outcomeRecord.ts';
import { sealedReport } from '../../../../services/core/admission/report.ts';
import { type Address, fromHex, utf8 } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { readProposalContent } from '../../../../services/core/governance/proposalContent.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey } from '../../../support/chains.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type KitCandidate, type KitDesk, noWork } from './admissionKit.ts';
import { freshDesks } from './freshDesks.ts';

describe('what an authenticator does by itself', () => {
  const desks = freshDesks();
  const { fresh } = desks;
  const apply = async (candidate: KitCandidate, place: number, desk: KitDesk, statement: string) => {
    const { attestation } = await candidate.join(desk, { request: { statement } });
    const { application, authenticator: address, signature } = attestation!;
    const { admission, close } = await desks.kit.open({ signer: localSigner(devKey(place), crypto) });
    await admission.applyFor(application, packAttestations([{ address, signature: fromHex(signature) }]));
    await admission.publish({ account: candidate.address, ...candidate.entry }, application);
    close();
    return (await desks.kit.chain.admission.node(candidate.address)).application!;
  };
  const created = async () => (await desks.kit.events()).filter(({ type }) => type === 'proposal.created');

  it('opens the vote on who has applied with its report, once, whatever happens in between', async () => {
    const desk = await fresh({ admission: { ...noWork, minHashesPerSecond: 1_000 } });
    const candidate = await desks.kit.candidate(5);
    const application = await apply(candidate, 5, desk, 'Honest\nMeasured by nobody');
    const seen = await until('the vote is open', async () => {
      const view = await desk.desk.application(candidate.address);
      return view?.proposal && view;
    });
    expect(seen).to.deep.include({ candidate: candidate.address, application, name: candidate.entry.name });
    const { profileDigest, score } = seen;
    expect(seen.report).to.include({ score, candidate: candidate.address, statement: 'Honest\nMeasured by nobody' });
    expect(await desk.desk.applications()).to.deep.equal([seen]);
    const proposal = await desk.confirmed(seen.proposal!.proposalId);
    const { content } = readProposalContent(await desk.parts.contents.get(proposal.contentHash));
    expect(content).to.include({ kind: 'admission', title: `Admit ${candidate.entry.name}`, proposer: devAddress(0) });
    expect(content.effect).to.deep.equal({ steps: [{ do: 'admit', account: candidate.address, application }] });
    expect(content.text).to.include(`sha-256:${profileDigest.slice(2)}`);
    expect(content.text).to.include('hashes/s, at least 1000');
    // What the candidate says cannot pass itself off as the rest.
    expect(content.text.split('\n').slice(-2)).to.deep.equal(['> Honest', '> Measured by nobody']);
    await desk.restart();
    const second = await desks.kit.candidate(6);
    await apply(second, 6, desk, '');
    await until('the next vote is open', async () => (await desk.desk.application(second.address))?.proposal);
    expect(await created()).to.have.length(2);
  });

  it('leaves the vote to who has proposed it before', async () => {
    const desk = await fresh({ admission: noWork });
    await desk.rest();
    const candidate = await desks.kit.candidate(5);
    const account = candidate.address;
    const application = await apply(candidate, 5, desk, '');
    const proposed: unknown[] = [];
    const nodes = await desks.kit.chain.nodes();
    const registry = { nodes: () => nodes };
    const look = async () => {
      const opener = new VoteOpener({ ...desk.parts, registry }, async (text) => {
        proposed.push(text);
        throw new NotariumError('chain-unreachable');
      });
      await opener.look(new AbortController().signal);
      await opener.ended();
    };
    await look();
    expect(proposed).to.have.length(1);
    const effect = { steps: [{ do: 'admit' as const, account, application: application as Address }] };
    const { proposalId } = await desks.kit.propose(desks.kit.draft('admission', effect, 1));
    await desk.confirmed(proposalId);
    await look();
    expect(proposed).to.have.length(1);
    expect((await desk.desk.application(account))?.proposal?.proposalId).to.equal(proposalId);
  });

  it('opens the vote where another centre has taken its own back before it began', async () => {
    const desk = await fresh({ admission: noWork, rules: { admission: { delaySeconds: 3_000 } } });
    const candidate = await desks.kit.candidate(5);
    const rival = await desks.kit.as(1);
    await desk.rest();
    const application = await apply(candidate, 5, desk, '');
    const effect = {
      steps: [{ do: 'admit' as const, account: candidate.address, application: application as Address }],
    };
    const theirs = await desks.kit.propose(desks.kit.draft('admission', effect, 1));
    await desk.confirmed(theirs.proposalId);
    await desk.restart();
    const opened = async () => (await desk.desk.application(candidate.address))?.proposal;
    expect(await opened()).to.deep.equal({ proposalId: theirs.proposalId, state: 'pending' });
    await rival.cancel(theirs);
    const own = await until('the vote is open', async () => {
      const found = await opened();
      return found?.state === 'pending' && found.proposalId !== theirs.proposalId && found;
    });
    expect((await desk.confirmed(own.proposalId)).proposer).to.equal(devAddress(0));
  });

  it('tells of a centre that is not authenticated again in time, or fails, once each', async () => {
    const desk = await fresh({ admission: { ...noWork, renewSeconds: 100 }, settings: { firstWaitMs: 0 } });
    const { parts, store } = desk;
    // Its own look, by the real time, may have been the first: then the time of each centre would begin later.
    await desk.rest();
    await store.saveCentreStandings([], { events: [], lease: (await parts.notices.lease())! });
    const now = Math.floor(Date.now() / 1000);
    let seconds = now - 60;
    const notices = { ...parts.notices, chainSeconds: () => seconds, lease: () => parts.notices.lease() };
    const open = () => new StandingWatch({ ...parts, notices, onChange: () => undefined });
    const told = async () =>
      (await store.eventsAfter(0, 100)).flatMap(({ type, data }) => (type === 'admission.below-minimum' ? [data] : []));
    const below = async () => (await parts.metrics.centresBelowMinimum.get()).values[0]!.value;
    const watch = open();
    await watch.look();
    expect(await told()).to.deep.equal([]);
    seconds = now + 41;
    await watch.look();
    await watch.look();
    // After a restart, too.
    await open().look();
    expect((await told()).map(({ address }) => address)).to.have.members([1, 2, 3].map(devAddress));
    expect(await below()).to.equal(3);
    const centre = await desks.kit.candidate(1);
    const request = { purpose: 'renewal' as const };
    await centre.join(desk, { request });
    await watch.look();
    expect(await below()).to.equal(2);
    expect((await told()).at(-1)).to.deep.equal({ address: devAddress(1), isBelow: false });
    const failure = await centre
      .join(desk, { request, lie: () => [`0x${'77'.repeat(32)}` as const] })
      .catch((error) => error);
    expect(failure).to.include({ code: 'manifest-unproven' });
    await watch.look();
    await watch.look();
    const last = (await told()).at(-1)!;
    expect(last).to.include({ address: devAddress(1), isBelow: true });
    expect(last.reason).to.match(/manifest-unproven$/);
    expect(await told()).to.have.length(5);
  });

  it('believes nobody that a centre has passed at a time that is still to come', async () => {
    const desk = await fresh({ centres: 2, admission: { ...noWork, renewSeconds: 100 }, settings: { firstWaitMs: 0 } });
    await desk.rest();
    const { parts, store } = desk;
    const watched = devAddress(2);
    const { report } = await (await desks.kit.candidate(2)).join(desks.kit.desks[1]!, {
      request: { purpose: 'renewal' },
    });
    const time = '9999-12-31T23:59:59.000Z';
    const lie = outcomeRecord({ ...report, time }, sealedReport(report).hash);
    const entry = utf8(JSON.stringify(lie));
    const search = async () => ({ hits: [{ leafIndex: 0, entry }] });
    let seconds = Math.floor(Date.now() / 1000);
    const notices = { ...parts.notices, chainSeconds: () => seconds, lease: () => parts.notices.lease() };
    const watch = new StandingWatch({ ...parts, store: { ...store, search }, notices, onChange: () => undefined });
    await watch.look();
    seconds += 101;
    await watch.look();
    const standing = (await store.centreStandings()).find(({ address }) => address === watched);
    expect(standing!.reason).to.match(/^to be authenticated again/);
  });
});
