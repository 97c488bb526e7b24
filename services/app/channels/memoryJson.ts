import { z } from 'zod';
import { fromHex } from '../../core/bytes.ts';
import { amountSchema, jsonWithAmounts } from '../../core/channels/amount.ts';
import type { Ledger } from '../../core/channels/ledger.ts';
import type { RequesterBill, RequesterMemory } from '../../core/channels/requesterMemory.ts';
import { closingSchema, lockSchema, signedStateSchema } from '../../core/channels/state.ts';
import { peaksOf, signedClosingSchema, updateSchema } from '../../core/channels/update.ts';
import type { Offer, VerifierLock, VerifierMemory } from '../../core/channels/verifierMemory.ts';
import { hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';
import type { StoredBill } from '../../store/channels/ChannelStore.ts';
import { locatorOf } from './offerNote.ts';

const ledgerSchema = z
  .strictObject({
    ...{ version: uintSchema, held: amountSchema, verifierBalance: amountSchema, size: uintSchema },
    locks: z.array(lockSchema.extend({ billId: hashSchema })),
    peaks: z.array(hashSchema),
  })
  .transform(({ size, peaks, ...rest }): Ledger => ({ ...rest, evidence: { size, peaks: peaks.map(fromHex) } }));

const postedSchema = z.strictObject({ version: uintSchema, deadline: uintSchema });
/** What a side notes of open bills beyond the rows of its database. */
const marksSchema = z.record(
  hashSchema,
  z.strictObject({
    isCancelled: z.literal(true).optional(),
    isGivenUp: z.literal(true).optional(),
    revealedAt: uintSchema.optional(),
  }),
);
const commonShape = {
  held: amountSchema,
  ledger: ledgerSchema,
  latest: signedStateSchema.optional(),
  marks: marksSchema,
};
const proposalSchema = z.strictObject({ update: updateSchema, next: ledgerSchema });
const requesterShape = { ...commonShape, signedVersion: uintSchema, abandoned: z.array(proposalSchema) };

const verifierSchema = z.discriminatedUnion('state', [
  z.strictObject({ ...commonShape, state: z.enum(['open', 'leaving', 'settled']) }),
  z.strictObject({ ...commonShape, state: z.literal('agreed'), agreed: signedClosingSchema, agreedAt: z.number() }),
  z.strictObject({ ...commonShape, state: z.literal('closing'), posted: postedSchema }),
]);

const requesterSchema = z.discriminatedUnion('state', [
  z.strictObject({ ...requesterShape, state: z.enum(['open', 'leaving', 'settled']) }),
  z.strictObject({ ...requesterShape, state: z.literal('proposed'), proposal: proposalSchema }),
  z.strictObject({ ...requesterShape, state: z.literal('ending'), closing: closingSchema, signature: hexSchema(64) }),
  z.strictObject({ ...requesterShape, state: z.literal('agreed'), agreed: signedClosingSchema }),
  z.strictObject({ ...requesterShape, state: z.literal('closing'), posted: postedSchema }),
]);

/** What is kept of a verifier's memory beside its bills. */
export function verifierJson(memory: VerifierMemory): string {
  const { offered: _, locked, ledger, ...rest } = memory;
  return jsonWithAmounts({ ...rest, ledger: ledgerJson(ledger), marks: marksOf(locked) });
}

/** A verifier's memory, of what is kept of it and of its open bills. */
export function verifierMemoryOf(json: string, bills: readonly StoredBill[]): VerifierMemory {
  const { marks, ...rest } = verifierSchema.parse(JSON.parse(json));
  const offered = new Map<`0x${string}`, Offer>();
  const locked = new Map<`0x${string}`, VerifierLock>();
  for (const { signed, state, first, note } of bills) {
    const { id } = signed.bill;
    const noted = note === undefined ? {} : { note };
    if (state === 'offered') offered.set(id, { signed, ...noted, ...locatorOf(note) });
    else locked.set(id, { signed, first: first!, isCancelled: false, ...noted, ...definedOf(marks[id]) });
  }
  return { ...rest, offered, locked } as VerifierMemory;
}

/** What is kept of a requester's memory beside its bills. */
export function requesterJson(memory: RequesterMemory): string {
  const { bills, ledger, abandoned, ...rest } = memory;
  const told = 'proposal' in rest ? { ...rest, proposal: proposalJson(rest.proposal) } : rest;
  return jsonWithAmounts({
    ...told,
    ledger: ledgerJson(ledger),
    abandoned: abandoned.map(proposalJson),
    marks: marksOf(bills),
  });
}

/** A requester's memory, of what is kept of it and of its open bills. */
export function requesterMemoryOf(json: string, rows: readonly StoredBill[]): RequesterMemory {
  const { marks, ...rest } = requesterSchema.parse(JSON.parse(json));
  const bills = new Map(
    rows.map(({ signed, key, first }): [`0x${string}`, RequesterBill] => [
      signed.bill.id,
      { signed, ...(key ? { key } : {}), ...(first ? { first } : {}), ...definedOf(marks[signed.bill.id]) },
    ]),
  );
  return { ...rest, bills } as RequesterMemory;
}

function ledgerJson(ledger: Ledger) {
  const { evidence, ...rest } = ledger;
  return { ...rest, size: evidence.size, peaks: peaksOf(ledger) };
}

function proposalJson({ update, next }: { readonly update: object; readonly next: Ledger }) {
  return { update, next: ledgerJson(next) };
}

function marksOf(
  bills: ReadonlyMap<
    string,
    { readonly isCancelled?: boolean; readonly isGivenUp?: true; readonly revealedAt?: number }
  >,
) {
  const marks: Record<string, object> = {};
  for (const [id, { isCancelled, isGivenUp, revealedAt }] of bills) {
    if (!isCancelled && !isGivenUp && revealedAt === undefined) continue;
    marks[id] = {
      ...(isCancelled ? { isCancelled } : {}),
      ...(isGivenUp ? { isGivenUp } : {}),
      ...(revealedAt === undefined ? {} : { revealedAt }),
    };
  }
  return marks;
}

/** Without what is undefined: it would hide what stands before it. */
function definedOf<T extends object>(marks: T | undefined): { [K in keyof T]?: NonNullable<T[K]> } {
  const told = Object.entries(marks ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as { [K in keyof T]?: NonNullable<T[K]> };
}
