import type { Governance } from '../../chain/Governance.ts';
import type { Net } from '../../net/Net.ts';
import type { Lease } from '../../store/WriteOptions.ts';
import type { Centre } from '../Centre.ts';
import type { CentreParts } from '../CentreParts.ts';
import type { Contents } from './Contents.ts';

/** Tells what the chain said of proposals and resource sets, once it is confirmed and stored. */
export type Notices = {
  /**
   * Calls after each batch of notices is stored, and once when the watch starts or takes over from another process; what it throws is logged, and does not
   * stop the watch. The next look at the chain waits for it: what takes long goes into a loop of its own. In a process that
   * does not read the chain itself, it is called when another one has stored something. Call it before `start`.
   */
  onNotices(handler: () => Promise<void> | void): void;
  /** Asks for a look at the chain now: something has happened there. */
  lookSoon(): void;
  /** Time of the chain now, Unix seconds, as far as this process knows: its clock, or the newest block where that is later. */
  chainSeconds(): number;
  /**
   * The lease by which one process of the centre reads notices and does what follows from them; undefined where another one
   * has it, or this one only serves.
   */
  lease(): Promise<Lease | undefined>;
};

/** What the verbs of governance and of resource sets work with; there only where the network has a governor. */
export type GovernanceParts = CentreParts & {
  readonly governance: Governance;
  readonly contents: Contents;
  readonly notices: Notices;
  /** Takes records of this centre's own into the log: {@link Centre.accept}. */
  readonly accept: Centre['accept'];
  /** Calls once with the network between centres: at once where it is there, else as soon as this centre joins it. */
  readonly onJoin: (handler: (net: Net) => void) => void;
};

/** Work that goes on beside the watch of notices. It is started before it, and closed after its last look. */
export type GovernanceWorker = {
  start(): void;
  close(): Promise<void>;
};
