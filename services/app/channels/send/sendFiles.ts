import type { Hash } from '../../../core/bytes.ts';
import { type ErrorCode, isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { HashedFile } from '../../../lib/client/channels/uploadSource.ts';
import { mapInOrder } from '../../../lib/client/jobs.ts';
import { defaultPackLimits, itemOf, type PackLimits, planItems, type SendItem } from './planItems.ts';
import type { SendLedger } from './SendLedger.ts';

/** A file to be preserved, what its outcome calls it where that is not the path, and where its receipt belongs, if anywhere. */
export type FileToSend = HashedFile & { readonly receiptPath?: string | undefined; readonly name?: string | undefined };

/** What became of a file. `kept`: the channel has preserved this content before. Without a digest it could not be read. */
export type SentOutcome = { readonly path: string; readonly receiptPath?: string | undefined } & (
  | { readonly status: 'preserved' | 'kept'; readonly digest: Hash }
  | { readonly status: 'failed'; readonly digest?: Hash; readonly error: NotariumError }
);

/** What sending works with. */
export type SendParts = {
  readonly ledger: SendLedger;
  /** Whether a bill of that digest is paid, its digest in the evidence tree. */
  readonly isPreserved: (bill: Hash) => Promise<boolean>;
  /** Waits for the payment of a bill that an earlier run has got; undefined where there is none. */
  readonly resume: (bill: { readonly digest: Hash; readonly count: number }) => Promise<unknown> | undefined;
  /** Uploads an item; gives the id of the upload. */
  readonly upload: (
    item: SendItem,
    uploadUrl: string | undefined,
    onUrl: (url: string) => Promise<void>,
  ) => Promise<string>;
  /** Gets a bill for the upload, pays it, and has its digest in a state that both have signed. */
  readonly preserve: (item: SendItem, upload: string) => Promise<void>;
  /** Bytes of contents that are preserved, or have failed. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal | undefined;
};

/** Items that are under way at a time: uploads of some, bills and payments of others. */
const defaultParallel = 8;

/** What one content came to. */
type Fate = 'preserved' | 'kept' | NotariumError;

/** Codes of which the next item would die too. */
const hopeless: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'channel-balance-short',
  'channel-state',
  'channel-unknown',
  'channel-stale',
  'server-unreachable',
]);

/**
 * Has files preserved, the small ones many to a bill. What was done before is kept: a run that was interrupted goes on where it stopped.
 * A content that stands in several files is sent once. What the verifier refuses of a pack is found out one by one, so that the others of
 * it are preserved.
 * @throws NotariumError of the ledger; the signal's reason.
 */
export async function sendFiles(
  parts: SendParts,
  files: readonly FileToSend[],
  options: { readonly parallel?: number | undefined; readonly limits?: PackLimits | undefined } = {},
): Promise<SentOutcome[]> {
  const { ledger, signal } = parts;
  await ledger.sending(
    files.flatMap(({ name, path, digest, receiptPath }) =>
      // A name of the caller's need not be the only one of its kind.
      receiptPath === undefined ? [] : [{ path: name === undefined ? path : receiptPath, digest, receiptPath }],
    ),
  );
  const contents = new Map(files.map((file) => [file.digest, file]));
  const fates = new Map<Hash, Fate>();
  const { known, fresh } = await divide(parts, contents, fates);
  const items = [...known, ...planItems(fresh, options.limits ?? defaultPackLimits)];
  await ledger.plan(items.slice(known.length));
  let end: NotariumError | undefined;
  const jobs = mapInOrder(items, options.parallel ?? defaultParallel, async (item) => {
    signal?.throwIfAborted();
    const found = end ? end : await sendItem(parts, item);
    if (found instanceof NotariumError && isHopeless(found)) end ??= found;
    return { item, found };
  });
  const again: SendItem[] = [];
  for await (const { item, found } of jobs) {
    if (found instanceof NotariumError && item.members.length > 1 && isRefusal(found)) {
      again.push(...item.members.map((member) => itemOf([member])));
    } else settle(parts, item, found, fates);
  }
  await ledger.plan(again);
  const ones = mapInOrder(again, options.parallel ?? defaultParallel, async (item) => {
    signal?.throwIfAborted();
    return { item, found: await sendItem(parts, item) };
  });
  for await (const { item, found } of ones) settle(parts, item, found, fates);
  return files.map(({ name, path, digest, receiptPath }) => {
    const fate = fates.get(digest)!;
    const file = { path: name ?? path, digest, receiptPath };
    return fate instanceof NotariumError ? { ...file, status: 'failed', error: fate } : { ...file, status: fate };
  });
}

function settle(parts: SendParts, { members }: SendItem, fate: Fate, fates: Map<Hash, Fate>): void {
  for (const { digest, sizeBytes } of members) {
    fates.set(digest, fate);
    parts.onBytes?.(sizeBytes);
  }
}

/**
 * What is done, what was planned as it is and goes on, and what is new or was planned with contents that are not here now. A bill that an
 * earlier run has got for contents of which some have gone is paid first: in another pack, the others would be paid a second time.
 */
async function divide(
  parts: SendParts,
  contents: ReadonlyMap<Hash, FileToSend>,
  fates: Map<Hash, Fate>,
): Promise<{ known: SendItem[]; fresh: HashedFile[] }> {
  const { ledger } = parts;
  const preserved = new Map<Hash, Promise<boolean>>();
  const known = new Map<Hash, SendItem>();
  const torn = new Map<Hash, HashedFile[]>();
  const fresh: HashedFile[] = [];
  for (const file of contents.values()) {
    const bill = ledger.placeOf(file.digest)?.bill;
    if (bill === undefined) {
      fresh.push(file);
      continue;
    }
    if (!preserved.has(bill)) preserved.set(bill, parts.isPreserved(bill));
    if (await preserved.get(bill)) {
      fates.set(file.digest, 'kept');
      parts.onBytes?.(file.sizeBytes);
      continue;
    }
    const members = ledger.membersOf(bill)!.map((digest) => contents.get(digest));
    if (members.every((member) => member !== undefined)) known.set(bill, { digest: bill, members });
    else torn.set(bill, [...(torn.get(bill) ?? []), file]);
  }
  for (const [bill, members] of torn) {
    const found = await finished(parts, bill);
    if (found === undefined) fresh.push(...members);
    else settle(parts, { digest: bill, members }, found, fates);
  }
  return { known: [...known.values()], fresh };
}

/** What the bill of a pack came to that cannot be sent again; undefined where it is not paid and never will be. */
async function finished(parts: SendParts, digest: Hash): Promise<Fate | undefined> {
  const count = parts.ledger.membersOf(digest)!.length;
  try {
    if (await resumed(parts, { digest, count })) return 'preserved';
    return (await parts.isPreserved(digest)) ? 'kept' : undefined;
  } catch (error) {
    if (!(error instanceof NotariumError) || parts.signal?.aborted) throw error;
    return error;
  }
}

async function sendItem(parts: SendParts, item: SendItem): Promise<Fate> {
  const { ledger, signal } = parts;
  const { digest } = item;
  try {
    if (await resumed(parts, { digest, count: item.members.length })) return 'preserved';
    // Asked after it: a bill that was paid meanwhile is no longer on its way.
    if (await parts.isPreserved(digest)) return 'kept';
    const upload = (known?: string): Promise<string> =>
      parts.upload(item, known, (url) => ledger.uploading(digest, url));
    try {
      await parts.preserve(item, await upload(ledger.uploadOf(digest)));
    } catch (error) {
      // A verifier that was killed may have lost it: once more from the beginning.
      if (!isNotariumError(error, 'upload-unknown')) throw error;
      await parts.preserve(item, await upload());
    }
    return 'preserved';
  } catch (error) {
    if (!(error instanceof NotariumError) || signal?.aborted) throw error;
    return error;
  }
}

/**
 * Whether an earlier run had a bill for it, which is paid now. One that comes to nothing is asked for anew.
 * @throws NotariumError where it may still be paid later.
 */
async function resumed({ resume, signal }: SendParts, bill: Parameters<SendParts['resume']>[0]): Promise<boolean> {
  try {
    const begun = resume(bill);
    await begun;
    return begun !== undefined;
  } catch (error) {
    if (!(error instanceof NotariumError) || !error.code.startsWith('bill-') || signal?.aborted) throw error;
    return false;
  }
}

/** Whether nothing else of the channel can be sent now either. */
export function isHopeless({ code }: NotariumError): boolean {
  return hopeless.has(code);
}

/** Whether it may be about one content of the pack alone. */
function isRefusal({ code }: NotariumError): boolean {
  return (
    code === 'evidence-refused' || code === 'evidence-mismatch' || code === 'upload-invalid' || code.startsWith('file-')
  );
}
