import type { RecordId } from '../../core/bytes.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import type { Run } from '../Run.ts';
import type { Failure } from './collect.ts';
import type { Outcome } from './Job.ts';

/** `id`: the centre has its record, whatever failed here. */
type Failed = Failure & { readonly id?: RecordId | undefined };

/** More files than this are counted, not listed. */
const listedFiles = 20;

/** Prints what became of the files, and sets the exit code. */
export function report(run: Run<object>, outcomes: readonly Outcome[], unreadable: readonly Failure[]): void {
  const { output } = run;
  const failed: Failed[] = [
    ...unreadable,
    ...outcomes.filter((outcome): outcome is Outcome & { status: 'failed' } => outcome.status === 'failed'),
  ];
  const taken = outcomes.filter((outcome) => outcome.status !== 'failed');
  const count = (status: Outcome['status']): number => outcomes.filter((outcome) => outcome.status === status).length;
  const codes = new Set(failed.map(({ error }) => error.code));
  const exitCode =
    failed.length === 0
      ? 0
      : exitCodeOf(taken.length === 0 && codes.size === 1 ? failed[0]!.error.code : 'items-failed');
  output.json({
    ok: failed.length === 0,
    exitCode,
    accepted: count('accepted'),
    anchored: count('anchored'),
    kept: count('kept'),
    failed: failed.length,
    files: [
      ...outcomes.map((outcome) => (outcome.status === 'failed' ? failureJson(outcome) : outcome)),
      ...unreadable.map(failureJson),
    ],
  });
  if (taken.length <= listedFiles) {
    for (const { path, status, id, evidence } of taken) {
      output.line(`${output.mark('passed')} ${status} ${path}`, `    record ${id}`, `    ${evidence}`);
    }
  }
  for (const { path, error, id } of failed) {
    const record = id === undefined ? [] : [`    record ${id}`];
    output.line(`${output.mark('failed')} ${path}`, ...record, `    ${error.code}: ${error.message}`);
  }
  for (const next of new Set([...codes].map(nextStep))) if (next) output.note(`  ${next}`);
  output.line(summary(count('accepted'), count('anchored'), count('kept'), failed.length));
  if (count('accepted') > 0)
    output.note('Accepted, not yet anchored: the same command with --resume --wait fetches the receipts.');
  run.exit(exitCode);
}

function failureJson({ path, error, id }: Failed): object {
  return {
    path,
    status: 'failed',
    ...(id === undefined ? {} : { id }),
    code: error.code,
    detail: error.message,
    data: error.data,
  };
}

function summary(accepted: number, anchored: number, kept: number, failed: number): string {
  const parts = [
    anchored > 0 ? `${anchored} anchored` : '',
    accepted > 0 ? `${accepted} accepted` : '',
    kept > 0 ? `${kept} kept` : '',
    `${failed} failed`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
