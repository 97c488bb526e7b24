/** An event to append; `time` is RFC 3339. */
export type NewEvent<T extends string = string> = {
  readonly type: T;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Held by one process at a time. A later holder's token is higher: a stale holder is refused by it. */
export type Lease = {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
  readonly expiresMs: number;
};

/**
 * Goes with a write: events that are appended in the same transaction, and the lease that the writer must still hold
 * (a lease lost to another process makes the write fail with `storage-failed`, nothing written).
 */
export type WriteOptions = { readonly event?: NewEvent; readonly events?: readonly NewEvent[]; readonly lease?: Lease };
