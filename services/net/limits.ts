import type { NetLimits } from './Net.ts';

/** Limits for a consortium of some dozens of centres with thousands of records a second. */
export const defaultLimits: NetLimits = {
  frameBytes: 4 * 1024 * 1024,
  gossipBytes: 256 * 1024,
  openRequests: 32,
  requestsPerSecond: 100,
  requestBurst: 200,
  bytesPerSecond: 32 * 1024 * 1024,
  byteBurst: 32 * 1024 * 1024,
  // An author sends at most some 40 a second and is passed on by all, with as many control messages.
  gossipPerSecond: 4_000,
  gossipBurst: 8_000,
  gossipQueue: 256,
  cutOffScore: 100,
  cutOffMs: 10 * 60_000,
};

/** Points for what a peer can only do on purpose, or by a fault of its own. */
export const penalties = {
  frameTooLarge: 25,
  frameMalformed: 25,
  gossipTooLarge: 25,
  gossipRejected: 20,
  /** For each second that a peer had to wait: a backlog after a pause is none, a flood goes on. */
  gossipFlood: 5,
  tooManyRequests: 1,
} as const;
