/** Something to write to; `isTTY` and `columns` as Node's streams have them. */
export type TextSink = {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

/** What surrounds a run of the command line; main.ts makes it of the process, tests of their own parts. */
export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** What is piped in. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Folder that relative paths start from: the process's own. */
  readonly cwd: string;
  /** Home folder of the user. */
  readonly home: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Whether somebody can be asked for a password. */
  readonly interactive: boolean;
};
