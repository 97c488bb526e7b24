/** How calls are run, so that what they throw has the codes of the chain. */
export type Guards = {
  readonly read: <T>(run: () => Promise<T>) => Promise<T>;
  /** Checks first that the RPC still is the chain that was opened. */
  readonly change: <T>(run: () => Promise<T>) => Promise<T>;
};
