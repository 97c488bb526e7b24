import { resolve } from 'node:path';
import { type ErrorCode, NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { chainTimeMs } from '../../lib/client/chainTimeMs.ts';
import { Notarium } from '../../lib/client/Notarium.ts';
import { type AcceptanceVerdict, asAcceptance, maxAcceptanceBytes } from '../../lib/client/verifyAcceptance.ts';
import type { VerifyFlags } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import { defaultUrl } from '../openClient.ts';
import type { Run } from '../Run.ts';
import { trustNote } from '../trustNote.ts';
import { findNetwork } from './basis.ts';
import { failureJson } from './printSteps.ts';
import { readEvidence } from './readEvidence.ts';

const codes: Readonly<Record<AcceptanceVerdict['status'], ErrorCode | undefined>> = {
  kept: undefined,
  refused: 'record-refused',
  pending: 'acceptance-pending',
  broken: 'acceptance-broken',
};

/** `notarium verify --acceptance FILE`: asks a centre for the record, and the chain (with `--rpc`) for the time. */
export async function verifyPromise(run: Run<VerifyFlags>, file: string): Promise<void> {
  const { options, settings, terminal, signal, output } = run;
  if (options.offline)
    throw new NotariumError('usage-invalid', 'whether a record is in the log cannot be known offline');
  const acceptance = await readEvidence(resolve(terminal.cwd, file), {
    malformed: 'acceptance-malformed',
    maxBytes: maxAcceptanceBytes,
    parse: (text) => asAcceptance(parseStrictJson(text)),
  });
  const { rpcUrl } = settings;
  const client = new Notarium({
    url: settings.url ?? defaultUrl,
    rpcUrl,
    trusted: await findNetwork(settings, options.network, terminal.cwd),
    networksFolder: settings.networks,
    apiKey: settings.apiKey,
  });
  trustNote(output, await client.network({ signal }));
  const nowMs = rpcUrl === undefined ? Date.now() : await chainTimeMs(rpcUrl, { signal });
  const verdict = await client.checkAcceptance(acceptance, { signal, nowMs });
  const code = codes[verdict.status];
  const exitCode = code === undefined ? 0 : exitCodeOf(code);
  const { recordId, centre } = acceptance;
  output.json({
    ...failureJson(code === undefined ? { exitCode } : { code, exitCode }),
    status: verdict.status,
    detail: verdict.detail,
    due: new Date(verdict.dueMs).toISOString(),
    acceptance,
  });
  output.line(`${output.mark('passed')} centre ${centre} promised record ${recordId}, and signed that`);
  const mark = verdict.status === 'pending' ? 'skipped' : code === undefined ? 'passed' : 'failed';
  output.line(`${output.mark(mark)} ${verdict.status}: ${verdict.detail}`);
  if (verdict.status === 'broken') output.line(output.paint('bad', 'PROVABLE MISCONDUCT'));
  const next = code === undefined ? undefined : nextStep(code);
  if (next) output.line(`  ${next}`);
  run.exit(exitCode);
}
