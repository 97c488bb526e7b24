import type { StepResult } from '../../core/StepRun.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import type { Run } from '../Run.ts';
import type { Basis } from './basis.ts';

/** Code and exit code of the step that failed; none for a verification that passed. */
export type Failure = { readonly code?: NonNullable<StepResult['code']>; readonly exitCode: number };

/** What a verification came to. */
export function failureOf(steps: readonly StepResult[]): Failure {
  const code = steps.find(({ status }) => status === 'failed')?.code;
  return code === undefined ? { exitCode: 0 } : { code, exitCode: exitCodeOf(code) };
}

/** What a document of the verification says of it, for `--json`. */
export function failureJson({ code, exitCode }: Failure): Record<string, unknown> {
  return { ok: code === undefined, exitCode, ...(code === undefined ? {} : { code, next: nextStep(code) }) };
}

/** What it rests on, for `--json`. */
export function basisJson({ network, source }: Basis, steps: readonly StepResult[]): Record<string, unknown> {
  const online = steps.some(({ step, status }) => step === 'chain' && status === 'passed');
  return { network, trust: source, online };
}

/** Prints what it rests on. */
export function printBasis({ output }: Run<object>, { network, source }: Basis): void {
  output.line(`network ${network}`, `  trusted by: ${source}`);
}

/**
 * Prints a line for each step. Those that were skipped after one failed are left out.
 * @param text Says what a step that passed has shown, or why it was skipped.
 */
export function printSteps<Step extends string>(
  { output }: Run<object>,
  steps: readonly StepResult<Step>[],
  text: (step: StepResult<Step>) => string,
): void {
  const hasFailed = steps.some(({ status }) => status === 'failed');
  const width = Math.max(...steps.map(({ step }) => step.length));
  for (const step of steps) {
    if (step.status === 'skipped' && hasFailed) continue;
    const shown = step.status === 'failed' ? `${step.code}: ${step.detail}` : text(step);
    output.line(`${output.mark(step.status)} ${step.step.padEnd(width)} ${shown}`);
  }
}

/** Prints the verdict, says what to do next, and sets the exit code. */
export function printVerdict(run: Run<object>, { code, exitCode }: Failure): void {
  const { output } = run;
  output.line(
    code === undefined ? output.paint('good', 'VALID') : `${output.paint('bad', 'NOT VALID')} (exit code ${exitCode})`,
  );
  const next = code === undefined ? undefined : nextStep(code);
  if (next) output.line(`  ${next}`);
  run.exit(exitCode);
}
