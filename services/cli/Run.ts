import type { Command } from 'commander';
import type { NotariumError } from '../core/errors.ts';
import type { ActionContext, CliActions } from './CliActions.ts';
import { exitCodeOf } from './exitCodes.ts';
import { Output } from './Output.ts';
import { Progress } from './Progress.ts';
import { readSettings } from './settings.ts';
import type { Terminal } from './Terminal.ts';

/** What a command gets: its surroundings, its options, and where its exit code goes. */
export type Run<Options> = ActionContext & {
  readonly terminal: Terminal;
  readonly actions: CliActions;
  readonly options: Options;
  /** Ends the command with an error as its result. */
  readonly fail: (error: NotariumError) => void;
  /** Ends the command with an exit code, everything being printed already. */
  readonly exit: (code: number) => void;
};

/** What the whole program shares. */
export type ProgramContext = {
  readonly terminal: Terminal;
  readonly actions: CliActions;
  readonly onExit: (code: number) => void;
};

/** Makes the handler of a command: parses the settings, then runs it. */
export function runs<Options, Arguments extends readonly unknown[]>(
  context: ProgramContext,
  handle: (run: Run<Options>, ...values: Arguments) => Promise<void>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.optsWithGlobals<Options & { json?: boolean; quiet?: boolean; debug?: boolean }>();
    const output = new Output(context.terminal, options);
    const { terminal, actions, onExit } = context;
    const run: Run<Options> = {
      terminal,
      actions,
      options,
      output,
      signal: terminal.signal,
      settings: await readSettings(terminal, given(command)),
      progress: (label, total) => new Progress(output, label, total),
      exit: onExit,
      fail: (error) => {
        output.error(error);
        onExit(exitCodeOf(error.code));
      },
    };
    await handle(run, ...(all.slice(0, -2) as unknown as Arguments));
  };
}

/** Options that were typed: `--no-…` options have a default, which must not outrank environment and config file. */
function given(command: Command): Record<string, unknown> {
  const options = command.optsWithGlobals();
  const typed = Object.entries(options).filter(([name]) => command.getOptionValueSourceWithGlobals(name) !== 'default');
  return Object.fromEntries(typed);
}
