import { type Address, fromUtf8, toHex } from '../../core/bytes.ts';
import { slotAt } from '../../core/committee.ts';
import { NotariumError } from '../../core/errors.ts';
import type { AdmitOutcome, PoolRow } from '../../store/PoolRow.ts';
import type { CheckedLine } from '../checkLines.ts';
import type { ReplicationParts } from './ReplicationParts.ts';

/** What became of records that a peer sent. `outcomes` are those of the checked ones. */
export type TakenRecords = {
  readonly checked: readonly CheckedLine[];
  readonly outcomes: readonly AdmitOutcome[];
  /** Records that are wrong in themselves, whoever looks at them: their sender is to blame. */
  readonly invalid: number;
  /** Records that were good once. Not the fault of who passed them on. */
  readonly expired: number;
};

// No promise of ours until a client asks for one: see Intake.
const unsigned = new Uint8Array(0);

/**
 * Checks records of another centre (canonical form, network, id, signature, expiry), each one ourselves, and takes the good
 * ones into the pool, on disk when this resolves.
 * @param options.asOfMs when none may have expired; now by default.
 * @param options.isForBlock lets them in beyond the limits of the pool, by one block, whatever our own clients have filled: a
 *   full pool must not keep this centre from voting, or blocks could never empty it again.
 * @throws NotariumError `pool-full`, `storage-full`, `storage-failed`: nothing was taken, ask again later.
 */
export async function takeRecords(
  parts: ReplicationParts,
  entries: readonly Uint8Array[],
  from: Address,
  options: { asOfMs?: number; isForBlock?: boolean } = {},
): Promise<TakenRecords> {
  const { arrivals, settings } = parts;
  const beyond = options.isForBlock ? settings.maxBlockRecords : 0;
  if (!parts.hasRoomFor(arrivals.count + entries.length, from, beyond)) {
    throw new NotariumError('pool-full');
  }
  const { rows: _, ...taken } = await arrivals.take(entries.length, () => check(parts, entries, from, options));
  const count = taken.outcomes.filter(({ status }) => status === 'accepted').length;
  if (count > 0) parts.onPooled(count, from);
  return taken;
}

async function check(
  { workers, clock, periodSeconds, settings, net, logger }: ReplicationParts,
  entries: readonly Uint8Array[],
  from: Address,
  { asOfMs }: { asOfMs?: number },
): Promise<Omit<TakenRecords, 'outcomes'> & { readonly rows: readonly PoolRow[] }> {
  const nowMs = clock.nowMs();
  const promise = {
    acceptedAt: Math.floor(nowMs / 1000),
    includeBySlot: slotAt(nowMs, periodSeconds) + settings.promiseSlots,
  };
  const lines = entries.map((entry) => textOf(entry));
  const read = await workers.check({ lines, nowMs: asOfMs ?? nowMs, promise, signs: false });
  // Another spelling of the same record would cross the network as if it were news, as often as somebody can think of one.
  const isCanonical = ({ index, entry }: CheckedLine): boolean => Buffer.compare(entry, entries[index]!) === 0;
  const checked = read.checked.filter(isCanonical);
  const wrong = [
    ...read.failed.filter(({ code }) => code !== 'record-expired'),
    ...read.checked.filter((line) => !isCanonical(line)).map(() => new NotariumError('record-not-canonical')),
  ];
  if (wrong.length > 0) {
    const { code, detail } = wrong[0]!;
    net.blame(from, code, 10 * wrong.length);
    logger.warn({ peer: from, code, detail, count: wrong.length }, 'a peer sent records that are not valid');
  }
  const rows = checked.map(
    ({ index: _, acceptance: __, ...rest }): PoolRow => ({ ...rest, ...promise, acceptance: unsigned }),
  );
  return { checked, rows, invalid: wrong.length, expired: entries.length - checked.length - wrong.length };
}

/** Ids of records whose predecessor has not come yet: worth another try. */
export function orphansOf({ checked, outcomes }: TakenRecords): string[] {
  return checked.flatMap(({ id }, at) => (outcomes[at]?.status === 'predecessor-unknown' ? [toHex(id)] : []));
}

function textOf(entry: Uint8Array): string {
  try {
    return fromUtf8(entry);
  } catch {
    // Fails in the check, as any text that is no JSON.
    return '';
  }
}
