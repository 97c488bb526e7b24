import { CommanderError } from 'commander';
import { NotariumError } from '../core/errors.ts';
import type { CliActions } from './CliActions.ts';
import { exitCodeOf, exitInterrupted } from './exitCodes.ts';
import { asNotariumError, Output } from './Output.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './Terminal.ts';

/**
 * Runs one command line and gives its exit code. Throws nothing: every error is printed as code, sentence and what to do next.
 * @param argv Arguments without `node` and the script.
 */
export async function runCli(argv: readonly string[], actions: CliActions, terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(actions, terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const output = new Output(terminal, flagsOf(argv));
    if (isInterruption(error, terminal.signal)) {
      output.json({ ok: false, interrupted: true, exitCode: exitInterrupted });
      output.note('interrupted');
      return exitInterrupted;
    }
    const named = error instanceof CommanderError ? usageError(error) : asNotariumError(error);
    output.error(named);
    return exitCodeOf(named.code);
  }
}

function usageError(error: CommanderError): NotariumError {
  // Commander prints the help by itself where no command was given at all.
  const detail = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new NotariumError('usage-invalid', detail === '(outputHelp)' ? 'no command' : detail, { cause: error });
}

function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

// Commander may have failed before it knew its options.
function flagsOf(argv: readonly string[]): { json: boolean; quiet: boolean; debug: boolean } {
  const has = (...flags: string[]): boolean => flags.some((flag) => argv.includes(flag));
  return { json: has('--json'), quiet: has('-q', '--quiet'), debug: has('--debug') };
}
