import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import type { OutcomeView } from '../../services/app/admission/AdmissionDesk.ts';
import { readManifest } from '../../services/core/admission/manifest.ts';
import { type Report, sealedReport } from '../../services/core/admission/report.ts';
import type { SessionAnswer } from '../../services/core/admission/sessionAnswer.ts';
import type { Address, Hash, RecordId } from '../../services/core/bytes.ts';
import { parseEntry } from '../../services/core/record.ts';
import { Notarium } from '../../services/lib/client/Notarium.ts';
import { actAsGovernor } from '../support/actAsGovernor.ts';
import { type Candidate, candidateOf } from '../support/candidate.ts';
import { type Answer, json, receiptOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { deployGovernance } from '../support/chains.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const rules = {
  attestations: 1,
  reapplySeconds: 60,
  minScore: 100,
  renewSeconds: 0,
  minHashesPerSecond: 1_000,
  memoryMiB: 1,
  minMemoryPassesPerMinute: 60,
  minWrittenMiBPerSecond: 1,
  minReadMiBPerSecond: 1,
};

describe('an authenticator as a process', () => {
  let net: TestNetwork;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let manifest: Uint8Array;
  let authenticator: Address;
  const sessions = () => `${net.centre.url}/v1/admission/sessions`;
  const admin = async () => ({
    authorization: `Bearer ${(await readFile(join(net.dataDir, 'admin-key'), 'utf8')).trim()}`,
  });
  const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    json(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const candidate = (place: number): Candidate => {
    const { chainId, registry } = net.deployed;
    const verifier = { chainId, contract: registry };
    return candidateOf({ network: net.network, registry: verifier, manifest, place, folder: folder.path });
  };
  const begin = async (who: Candidate): Promise<Answer> =>
    post(sessions(), await who.signed(who.request(authenticator)));
  const outcomes = async (): Promise<OutcomeView[]> => {
    const { body } = await json(`${net.centre.url}/v1/admission/outcomes`, { headers: await admin() });
    return body.items as OutcomeView[];
  };
  /** The anchored record about an outcome, checked as a stranger would. */
  const anchored = async ({ recordId, documentHash, document }: OutcomeView): Promise<void> => {
    const receipt = await receiptOf(net.centre.url, { id: recordId as RecordId });
    const { record } = parseEntry(new Uint8Array(Buffer.from(receipt.entry, 'base64')));
    expect(record).to.include({
      kind: 'x-admission',
      digest: `sha-256:${documentHash.slice(2)}`,
      submitter: authenticator,
    });
    const { bytes } = sealedReport(document as unknown as Report);
    const place = { url: net.centre.url, rpcUrl: net.chain.rpcUrl };
    const { ok } = await new Notarium(place).verify(bytes, receipt);
    expect(ok).to.equal(true);
  };

  before(async () => {
    folder = await temporaryFolder();
    const asnDatabase = resolve('test/vectors/maxmind/GeoLite2-ASN-Test.mmdb');
    net = await startNetwork({ args: ['--asn-database', asnDatabase, '--trust-proxy', '1'] });
    authenticator = (await statusOf(net.centre.url)).centre;
  });
  after(async () => {
    await net?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  it('challenges nobody before a vote has made it one', async () => {
    expect((await json(`${net.centre.url}/v1/admission`)).body).to.include({ code: 'authenticator-missing' });
    const { rpcUrl } = net.chain;
    const { registry } = net.deployed;
    const { governor } = await deployGovernance(rpcUrl, registry);
    const made = await until('the governor is seen', async () => {
      const answer = await post(`${net.centre.url}/v1/admission/manifest`, '{}', await admin());
      return answer.status === 200 && answer.body;
    });
    const { hash } = made as { hash: Hash };
    await actAsGovernor({ rpcUrl, governor, registry }, 'setAdmissionRules', { manifestHash: hash, ...rules });
    await actAsGovernor({ rpcUrl, governor, registry }, 'setAuthenticator', authenticator, true);
    const view = await until('the challenge', async () => {
      const { status, body } = await json(`${net.centre.url}/v1/admission`);
      return status === 200 && body;
    });
    expect(view).to.deep.equal({ authenticator, rules: { manifestHash: hash, ...rules } });
    const given = await fetch(`${net.centre.url}/v1/admission/manifest`, { headers: await admin() });
    manifest = new Uint8Array(await given.arrayBuffer());
    expect(readManifest(manifest)).to.deep.include({ hash, bytes: manifest });
  });

  it('attests who passes; the report is anchored', async () => {
    const who = candidate(5);
    let { body: asked } = await begin(who);
    while ('packet' in asked) {
      const { session, packet } = asked as Extract<SessionAnswer, { packet: unknown }>;
      ({ body: asked } = await post(`${sessions()}/${session}/answers`, JSON.stringify(who.work(packet))));
    }
    const { report, attestation } = asked as unknown as Extract<SessionAnswer, { report: unknown }>;
    expect(attestation?.application.profileDigest).to.equal(sealedReport(report).hash);
    const [outcome] = await outcomes();
    expect(outcome).to.include({ outcome: 'passed', documentHash: sealedReport(report).hash });
    await anchored(outcome!);
  });

  it('refuses who has not the manifest; the refusal is anchored, and counts after a crash', async () => {
    const who = candidate(6);
    const { body } = await begin(who);
    const values = [`0x${'77'.repeat(32)}`];
    const refused = await post(`${sessions()}/${String(body.session)}/answers`, JSON.stringify({ index: 0, values }));
    expect(refused.body).to.include({ code: 'manifest-unproven' });
    const { location } = refused.body.data as { location: object };
    expect(location).to.deep.equal({ network: '127.0.0.0/8 (loopback)' });
    const [outcome] = await outcomes();
    expect(outcome).to.include({ outcome: 'failed', code: 'manifest-unproven', candidate: who.address });
    await anchored(outcome!);
    // Its document is for the operator alone.
    const content = `${net.centre.url}/v1/contents/sha-256:${outcome!.documentHash.slice(2)}`;
    expect((await json(content, { headers: await admin() })).status).to.equal(404);
    await net.centre.kill();
    await net.start();
    const again = await until('the challenge', async () => {
      const answer = await begin(who);
      return answer.body.code !== 'authenticator-missing' && answer;
    });
    expect(again.body).to.include({ code: 'admission-throttled' });
    expect((again.body.data as { retryAt: string }).retryAt).to.equal(
      (refused.body.data as { retryAt: string }).retryAt,
    );
  });

  it('says of whom it refuses behind a proxy which country and network it came from', async () => {
    const who = candidate(7);
    const proxied = { 'x-forwarded-for': '1.128.0.7' };
    const { body } = await post(sessions(), await who.signed(who.request(authenticator)), proxied);
    const answer = JSON.stringify({ index: 0, values: [`0x${'77'.repeat(32)}`] });
    const refused = await post(`${sessions()}/${String(body.session)}/answers`, answer, proxied);
    const location = {
      country: 'AU',
      network: '1.128.0.0/11',
      systemNumber: 1221,
      systemName: 'Telstra Pty Ltd',
    };
    expect((refused.body.data as { location: object }).location).to.deep.equal(location);
    const outcome = (await outcomes()).find((one) => one.candidate === who.address);
    expect((outcome?.document as { location: object } | undefined)?.location).to.deep.equal(location);
    await anchored(outcome!);
  });
});
