import { type RunningChain, startChain } from './chains.ts';

// The end of the whole run.
after(() => running?.then((chain) => chain.stop()));

let running: Promise<RunningChain> | undefined;

/**
 * A Hardhat node for all files of a run that deploy anew for each test, and leave clock and mining alone: starting one
 * costs more than most of them. The first call starts it.
 */
export function sharedHardhat(): Promise<RunningChain> {
  running ??= startChain({ kind: 'hardhat' });
  return running;
}
