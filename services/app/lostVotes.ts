import { slotAt } from '../core/committee.ts';
import { isNotariumError } from '../core/errors.ts';
import type { CentreParts } from './CentreParts.ts';

// A vote may be one slot ahead of the clock that it was given by, and that one may have been another machine's.
const silentSlots = 2;

type Silence = Pick<CentreParts, 'store' | 'chain' | 'clock' | 'clockGuard' | 'periodSeconds' | 'logger'>;

/**
 * A database that is new, restored or salvaged may lack votes that this centre has given: another one in the same slot would be
 * equivocation. So it signs nothing in the slot that it is and in two more, also over a restart. Before the chain has its first
 * block there is nothing to be quiet about.
 */
export async function keepSilent(parts: Silence): Promise<void> {
  const { store, chain, clock, periodSeconds, logger } = parts;
  if (await store.hasAllVotes()) return;
  // A chain that cannot be asked may have blocks.
  const head = await chain.head().catch(() => undefined);
  const nowMs = head === undefined ? clock.nowMs() : await trueNowMs(parts).catch(() => clock.nowMs());
  const slot = head === 0 ? 0 : slotAt(nowMs, periodSeconds) + silentSlots;
  await store.closeVotes(slot);
  if (slot > 0) logger.warn({ slot }, 'earlier votes may be lost: signing nothing until this slot is over');
}

/**
 * A closed slot stays closed: by a clock that is a year ahead this centre would be silent for a year, also when it has been set
 * right; by one that is behind, too short.
 */
async function trueNowMs({ chain, clock, clockGuard }: Silence): Promise<number> {
  try {
    await clockGuard.check();
    return clock.nowMs();
  } catch (error) {
    if (!isNotariumError(error, 'clock-skewed')) throw error;
    const { latestSeconds, pendingSeconds = latestSeconds } = await chain.chainTime();
    return 1000 * Math.max(latestSeconds, pendingSeconds);
  }
}

/**
 * Forgets votes of slots in which none can be given again: a block must be in a later slot than its parent, and no reorganisation
 * that is followed goes back further than to that block.
 */
export async function pruneVotes(
  { store, settings }: Pick<CentreParts, 'store' | 'settings'>,
  height: number,
): Promise<void> {
  const block = await store.block(height - settings.maxLostAnchors);
  if (block) await store.pruneVotes(block.header.slot);
}
