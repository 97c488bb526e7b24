/**
 * A running network of three centres admits a fourth that started from nothing, refuses one that is too slow and one that knows the
 * protocol manifest by its hash alone, each with the place that it came from and the reason, and shows that both refusals are in the
 * log. The fourth publishes its first block. Ends by itself with exit code 0, or with 1 when anything was not as it must be.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinSession } from '../services/app/admission/joinSession.ts';
import { Work } from '../services/app/admission/work/Work.ts';
import { openChain } from '../services/chain/openChain.ts';
import { placeText } from '../services/cli/admission/refusalLines.ts';
import { utf8 } from '../services/core/bytes.ts';
import { canonicalText } from '../services/core/canonicalJson.ts';
import { networkName } from '../services/core/eip712.ts';
import {
  type Address,
  isNotariumError,
  Notarium,
  type NotariumError,
  type OutcomeAnswer,
  type RecordId,
} from '../services/index.ts';
import { systemClock } from '../services/lib/clock.ts';
import { openKeystore, readKeystore } from '../services/lib/keystore.ts';
import { localSigner } from '../services/lib/localSigner.ts';
import { silentLogger } from '../services/lib/logger.ts';
import { loadCrypto } from '../services/lib/nativeCrypto.ts';
import { type DemoCentre, startDemoCentres } from './support/demoCentres.ts';
import { ensureBuilt } from './support/ensureBuilt.ts';
import { Expectations } from './support/expectations.ts';
import { type JoinRun, runJoin, tooSlowMs } from './support/joinCommand.ts';
import { ensureKeys, fund, type LocalCentre, startLocalCentre } from './support/localCentre.ts';
import { openToCandidates, settled, voteAll } from './support/openToCandidates.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/startChain.ts';
import { stopping, unlessStopped } from './support/stopping.ts';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const expectations = new Expectations(say);
/** Where all of this machine come from. */
const loopback = 'country unknown, 127.0.0.0/8 (loopback)';

ensureBuilt(say);
const base = await mkdtemp(join(tmpdir(), 'notarium demo '));
// A block a second, as on a real chain: votes end by its clock.
const chain = await startChain({ kind: 'anvil', detached: true, args: ['--block-time', '1'] });
const { rpcUrl } = chain;
let centres: readonly DemoCentre[] = [];
let fourth: LocalCentre | undefined;
try {
  const network = await unlessStopped(startDemoCentres({ count: 3, base, rpcUrl, say }));
  ({ centres } = network);
  await unlessStopped(play(network.contract, centres as readonly [DemoCentre, DemoCentre, DemoCentre]));
} catch (error) {
  // What is stopped under it may fail in any way.
  if (!stopping.aborted) throw error;
} finally {
  await fourth?.stop();
  await Promise.all(centres.map((centre) => centre.stop()));
  await chain.stop();
  await rm(base, { recursive: true, force: true });
}

async function play(
  contract: Address,
  [one, two, three]: readonly [DemoCentre, DemoCentre, DemoCentre],
): Promise<void> {
  say('\nThe three open their network to candidates, by votes of their own:');
  say(`  ${one.name} and ${two.name} are to challenge them, by the rules and the protocol manifest that all agree on.`);
  const agreement = 'Each of us keeps the whole log, for ten years at least.';
  const manifest = await openToCandidates(centres, { authenticators: [one, two], agreement });
  const { rules } = await one.client.admissions.authenticator();
  expectations.check('the rules on chain name the manifest', rules.manifestHash, manifest.hash);
  const manifestFile = join(base, 'manifest.json');
  await writeFile(manifestFile, manifest.bytes);

  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const joining = async (name: string, more: { pauseMs?: number } = {}): Promise<JoinRun> => {
    const passwordFile = join(base, 'password');
    await writeFile(passwordFile, 'only for this demonstration\n', { mode: 0o600 });
    const about = ['--name', name, '--endpoint', endpoint, '--statement', `We are ${name}, of Ghent.`];
    const args = ['--authenticator', one.url, '--manifest', manifestFile, ...about];
    return await runJoin({ dataDir: join(base, name), passwordFile, rpcUrl, contract, args, ...more });
  };
  const addressOf = async (name: string): Promise<Address> =>
    (await readKeystore(join(base, name, 'keystore'))).address;

  say('\nA fourth starts from nothing:');
  say(`  notarium join --authenticator ${one.url} --manifest manifest.json --name centre-4 --endpoint ${endpoint}`);
  const poor = await joining('centre-4');
  show(poor.stdout);
  expectations.check('it has keys now, and needs gas', [poor.code, errorOf(poor)], [63, 'chain-funds-missing']);
  const candidate = await addressOf('centre-4');
  await fund(rpcUrl, candidate);
  const joined = await joining('centre-4');
  show(joined.stdout);
  expectations.check('it passes the challenge, applies and publishes', joined.code, 0);

  fourth = await startLocalCentre({
    ...{ dataDir: join(base, 'centre-4'), port, rpcUrl, contract, label: 'Centre 4', threads: 1 },
    args: ['--log-level', 'silent', '--password-file', join(base, 'password')],
  });
  const client = new Notarium({ url: endpoint });
  const problems = (await client.status()).problems.map(({ code }) => code);
  expectations.check('its node runs, and is no centre yet', problems, ['not-in-committee']);

  const view = await application(two, candidate);
  expectations.check('the centres see who wants to join', [view.name, view.endpoint], ['centre-4', endpoint]);
  expectations.check('and what it says', view.report?.statement, 'We are centre-4, of Ghent.');
  const { proposalId } = view.proposal!;
  const { proposer } = await three.client.proposals.get(proposalId);
  expectations.check('an authenticator has opened the vote on it', [one.address, two.address].includes(proposer), true);
  await voteAll(centres, proposalId);
  const { epoch, members } = await committeeOf(three);
  expectations.check('it is in the next committee', [epoch, members.at(-1)], [2, candidate]);
  await settled(async () => (await client.status()).ready);
  expectations.check('its node has noticed by itself', (await client.status()).problems, []);

  say('\nRecords come in, and its turn comes:');
  const own = await firstBlock(endpoint, candidate);
  expectations.check('it has published a block', own.publisher, candidate);
  expectations.check('whose records have valid receipts', own.isVerified, true);
  say(`  block ${own.height}`);

  say('\nAnother one has to share its machine with too many:');
  await joining('slow');
  const slow = await addressOf('slow');
  await fund(rpcUrl, slow);
  const refused = await joining('slow', { pauseMs: tooSlowMs });
  show(refused.stderr.replace(/^.*measuring.*\n|^packet.*\n/gm, ''));
  expectations.check('it is refused as too slow', [refused.code, errorOf(refused)], [81, 'candidate-too-slow']);
  const slowOutcome = await outcomeOf(one, slow);
  const { check, have, want } = slowOutcome.document as { check: string; have: number; want: number };
  expectations.check('by its hashing, below the minimum', [check, have < want, want], ['hashing', true, 30_000]);
  expectations.check('and where it came from is known', placeText(slowOutcome.document.location), loopback);

  say('\nA third knows the manifest by its hash alone:');
  const forger = await ensureKeys(join(base, 'forger'));
  const error = await forge(contract, two, manifest.hash);
  expectations.check(
    'it is refused at the first packet',
    [error?.code, error?.data.check],
    ['manifest-unproven', 'manifest'],
  );
  expectations.check('with the place that it came from', placeText(error?.data.location), loopback);
  const forgedOutcome = await outcomeOf(two, forger.address);

  say('\nBoth refusals are in the log, where nobody can take them back:');
  for (const [outcome, asked] of [
    [slowOutcome, three],
    [forgedOutcome, one],
  ] as const) {
    const client = new Notarium({ url: asked.url, rpcUrl });
    const receipt = await client.waitForReceipt(outcome.recordId as RecordId, { timeoutMs: 60_000 });
    const verdict = await client.verify(utf8(canonicalText(outcome.document)), receipt);
    const subject = verdict.record?.subject;
    expectations.check(
      `${String(outcome.code)}: receipt of ${asked.name} for the refusal, verified`,
      [verdict.ok, subject],
      [true, `admission:${outcome.candidate}`],
    );
  }
  const after = await committeeOf(three);
  expectations.check('the committee is the four', after.members.length, 4);
}

/** As `notarium join` does it, but for the manifest, which is not what its hash says. */
async function forge(contract: Address, { url }: DemoCentre, hash: `0x${string}`): Promise<NotariumError | undefined> {
  const dataDir = join(base, 'forger');
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim();
  const keys = await openKeystore(join(dataDir, 'keystore'), password);
  const crypto = await loadCrypto();
  const signer = localSigner(keys.nodeKey, crypto);
  const seen = await openChain({ rpcUrl, contract, signer, logger: silentLogger });
  await using work = new Work({ folder: dataDir });
  try {
    const { registry, node } = seen.admission;
    const rules = await seen.admission.rules();
    const forged = { manifest: {} as never, bytes: utf8('{"format":"notarium-manifest/1"}'), hash: hash as never };
    const entry = {
      name: 'forger',
      endpoint: 'http://127.0.0.1:9',
      encryptionKey: keys.encryptionPublicKey,
      noteKey: keys.noteKey,
    };
    await joinSession(
      {
        registry,
        node,
        network: networkName(seen.info.network),
        manifest: forged,
        rules,
        signer,
        crypto,
        clock: systemClock,
        work,
      },
      url,
      { purpose: 'join', entry, statement: '', reported: { software: 'none' } },
    );
    return undefined;
  } catch (error) {
    if (isNotariumError(error)) return error;
    throw error;
  } finally {
    seen.close();
  }
}

/** Hands in records until one is in a block that the centre has published. */
async function firstBlock(url: string, publisher: Address) {
  const client = new Notarium({ url, rpcUrl, privateKey: `0x${'5a'.repeat(32)}` });
  for (let count = 1; ; count++) {
    stopping.throwIfAborted();
    const content = utf8(`evidence ${count}`);
    const { id } = await client.notarizeFile(content, { subject: 'urn:demo' });
    const receipt = await client.waitForReceipt(id, { timeoutMs: 60_000 });
    if (receipt.block.publisher !== publisher) continue;
    const { ok } = await client.verify(content, receipt);
    return { publisher: receipt.block.publisher, height: receipt.block.height, isVerified: ok };
  }
}

async function application({ client }: DemoCentre, candidate: Address) {
  let found: Awaited<ReturnType<typeof client.admissions.application>> | undefined;
  await settled(async () => {
    found = await client.admissions.application(candidate);
    return found.report !== undefined && found.proposal !== undefined;
  });
  return found!;
}

async function outcomeOf({ client }: DemoCentre, candidate: Address): Promise<OutcomeAnswer> {
  for await (const outcome of client.admissions.outcomes({ candidate })) return outcome;
  throw new Error(`no outcome of ${candidate}`);
}

async function committeeOf({ url }: DemoCentre) {
  // A client asks once.
  const { answer } = await new Notarium({ url }).network();
  return answer.committees.at(-1)!;
}

function errorOf({ stderr }: JoinRun): string | undefined {
  return /^error ([a-z-]+):/m.exec(stderr)?.[1];
}

function show(text: string): void {
  for (const line of text.trimEnd().split('\n')) say(`  | ${line}`);
}

expectations.conclude();
