import { aggregateRoot } from '../../../core/aggregate.ts';
import { concat, fromHex, type Hash, toHex } from '../../../core/bytes.ts';
import type { HashedFile } from '../../../lib/client/channels/uploadSource.ts';

/** What is paid for by one bill: one content, or many in a pack. */
export type SendItem = {
  /** Of the bill: SHA-256 of the content, or the root over those of the members. */
  readonly digest: Hash;
  /** One of each content, in the order of the pack. */
  readonly members: readonly HashedFile[];
};

/** What goes into a pack. */
export type PackLimits = {
  /** Contents of more bytes go alone. */
  readonly memberBytes: number;
  readonly packBytes: number;
  readonly packCount: number;
};

/** Enough in a pack that a bill costs little of each, and few enough that a refusal or a broken connection costs little too. */
export const defaultPackLimits: PackLimits = { memberBytes: 1 << 20, packBytes: 16 << 20, packCount: 4096 };

/** Groups contents, each of another digest, in their order. */
export function planItems(files: readonly HashedFile[], limits: PackLimits = defaultPackLimits): SendItem[] {
  const items: SendItem[] = [];
  let pack: HashedFile[] = [];
  let packBytes = 0;
  const flush = (): void => {
    if (pack.length > 0) items.push(itemOf(pack));
    pack = [];
    packBytes = 0;
  };
  for (const file of files) {
    if (file.sizeBytes > limits.memberBytes) {
      items.push(itemOf([file]));
      continue;
    }
    if (pack.length === limits.packCount || packBytes + file.sizeBytes > limits.packBytes) flush();
    pack.push(file);
    packBytes += file.sizeBytes;
  }
  flush();
  return items;
}

/** One bill for these contents. */
export function itemOf(members: readonly HashedFile[]): SendItem {
  const [first] = members;
  const digest =
    members.length === 1
      ? first!.digest
      : toHex(aggregateRoot(concat(...members.map((member) => fromHex(member.digest)))));
  return { digest, members };
}
