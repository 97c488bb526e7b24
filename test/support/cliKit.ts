import { Readable } from 'node:stream';
import type { CliActions } from '../../services/cli/CliActions.ts';
import { runCli } from '../../services/cli/runCli.ts';
import { errorTable } from '../../services/core/errors.ts';

/** What a run of the command line left behind. */
export type CliRun = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one document of a run with `--json`. */
  json<T = Record<string, unknown>>(): T;
};

/** Where and with what a command line runs. */
export type CliPlace = {
  readonly cwd: string;
  /** `cwd` by default, so that nothing of the machine's user is read or written. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly actions?: Partial<CliActions>;
  readonly isTTY?: boolean;
  /** What is piped in. */
  readonly stdin?: string;
  /** Told of what is printed while the command runs. */
  readonly onStdout?: (text: string) => void;
};

const never = (): Promise<never> => Promise.reject(new Error('this test injects no such action'));

/** Runs a command line in this process, as main.ts does in its own. */
export async function cli(place: CliPlace, ...argv: string[]): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const actions: CliActions = {
    runNode: never,
    runVerifier: never,
    channels: { open: never, known: never, use: never, content: never },
    runWatchtower: never,
    rebuild: never,
    join: never,
    joinStatus: never,
    keys: { create: never, list: never, revoke: never },
    readEvidence: never,
    exportData: never,
    importData: never,
    ...place.actions,
  };
  const code = await runCli(argv, actions, {
    env: place.env ?? {},
    cwd: place.cwd,
    home: place.home ?? place.cwd,
    signal: place.signal ?? new AbortController().signal,
    interactive: false,
    stdin: Readable.from([Buffer.from(place.stdin ?? '')]),
    stdout: {
      isTTY: place.isTTY,
      write: (text) => {
        stdout += text;
        place.onStdout?.(text);
      },
    },
    stderr: {
      isTTY: place.isTTY,
      write: (text) => {
        stderr += text;
      },
    },
  });
  return { code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
}

/** All codes of the table. */
export const errorCodes = Object.keys(errorTable) as (keyof typeof errorTable)[];
