import { type Activity, certificatesOn, membersOf, recipientsOf, unsignedOf } from '../../core/activities/activity.ts';
import { isApproved, isOpen, isVotedIn } from '../../core/activities/decided.ts';
import { forksOf } from '../../core/activities/forks.ts';
import { readProtected } from '../../core/activities/sealed.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Delivery, ListedActivity, StoredActivity, StoredMessage } from '../../store/activities/ActivityStore.ts';
import { messageOf } from './Activities.ts';
import type {
  ActivityCaller,
  ActivityPage,
  ActivitySummary,
  ActivityView,
  DeliveryView,
  MessageView,
  ProposalView,
  VersionView,
} from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { isTold } from './exchange/Doubts.ts';
import { type Listed, listedOf, listedText, readListed } from './listed.ts';
import { hasKeyOfItsOwn } from './parties.ts';
import { recordOf } from './recordOf.ts';
import { recordsFound } from './recordsFound.ts';
import { requireActivity, requireStored } from './requireActivity.ts';

const mostUnrecorded = 256;
const mostRefused = 256;

/** See `ActivityDesk.list`. */
export async function list(
  parts: ActivityParts,
  by: ActivityCaller,
  { after, begins, limit }: { readonly after?: string; readonly begins?: string; readonly limit: number },
): Promise<ActivityPage> {
  const { items, next } = await parts.store.list({
    ...(by.client === undefined ? {} : { owner: by.client }),
    ...(after === undefined ? {} : { after }),
    ...(begins === undefined ? {} : { begins }),
    limit,
  });
  const summaries = await Promise.all(
    items.map(async (stored) => {
      // One that is damaged does not hide the others.
      const listed = await parts.damage.passOver(listedIn(parts, stored));
      return listed ? [summaryOf(parts, stored, listed)] : [];
    }),
  );
  return { items: summaries.flat(), ...(next === undefined ? {} : { next }) };
}

/** As it was kept, so that no message has to be read; else from the messages, and kept for the next time. */
async function listedIn(
  { activities, store, signer, logger }: ActivityParts,
  stored: ListedActivity,
): Promise<Listed | undefined> {
  const { id, summary } = stored;
  const kept = summary === undefined ? undefined : readListed(summary);
  if (kept) return kept;
  const activity = await activities.find(id, stored);
  if (!activity) return undefined;
  const listed = listedOf(activity, signer.address);
  const isKept = store.setSummary(id, { atCount: activities.countOf(activity), text: listedText(listed) });
  await isKept.catch((error: unknown) => {
    if (!isNotariumError(error)) throw error;
    // It is read once more the next time: a full disk keeps nobody from seeing what is there.
    logger.warn({ err: error, activity: id }, 'what a list shows of an activity could not be kept');
  });
  return listed;
}

/** See `ActivityDesk.show`. */
export async function show(parts: ActivityParts, by: ActivityCaller, id: Hash): Promise<ActivityView> {
  const { stored, activity } = await requireActivity(parts, by, id);
  const names = new Map(parts.registry.nodes().map(({ address, name }) => [address, name]));
  return {
    ...summaryOf(parts, stored, listedOf(activity, parts.signer.address)),
    heads: activity.heads,
    terms: activity.terms,
    members: membersOf(activity).members.map((member) => {
      const name = names.get(member.address);
      const hasOtherKey = hasKeyOfItsOwn(parts, member);
      return { ...member, ...(name ? { name } : {}), ...(hasOtherKey ? { hasOtherKey } : {}) };
    }),
    isInConflict: activity.heads.length > 1,
    versions: versionsOf(activity),
    proposals: proposalsOf(parts, activity),
    forks: forksOf(activity),
    doubts: [...parts.doubts(id)].map(([member, { sinceMs, ...doubt }]) => ({
      ...{ member, ...doubt },
      since: new Date(sinceMs).toISOString(),
    })),
    unrecorded: await unrecorded(parts, id),
    refused: await parts.store.refused(id, mostRefused),
  };
}

async function unrecorded(parts: ActivityParts, activity: Hash): Promise<Hash[]> {
  const { store, clock, settings } = parts;
  const beforeMs = clock.nowMs() - settings.unrecordedMs;
  const left = await recordsFound(parts, await store.unrecorded({ activity, beforeMs, limit: mostUnrecorded }));
  return left.map(({ id }) => id);
}

/** See `ActivityDesk.messages`. */
export async function messages(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  { fromPlace = 0, limit }: { readonly fromPlace?: number; readonly limit: number },
): Promise<MessageView[]> {
  await requireStored(parts, by, id);
  const stored = await parts.store.messages(id, fromPlace, limit);
  return await Promise.all(stored.map((message) => messageView(parts, message)));
}

/** See `ActivityDesk.message`. */
export async function message(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  messageId: Hash,
): Promise<MessageView> {
  await requireStored(parts, by, id);
  return await messageView(parts, await requireMessage(parts, id, messageId));
}

async function requireMessage({ store }: ActivityParts, id: Hash, message: Hash): Promise<StoredMessage> {
  const stored = await store.message(message);
  if (stored?.activity === id) return stored;
  throw new NotariumError('not-found', 'the activity has no such message', { data: { message } });
}

/** See `ActivityDesk.deliveries`. */
export async function deliveries(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  messageId?: Hash,
): Promise<DeliveryView[]> {
  const { activity } = await requireActivity(parts, by, id);
  const all = await Array.fromAsync(allDeliveries(parts, id, messageId));
  // Of another member's message there are none.
  if (messageId !== undefined && all.length === 0) await requireMessage(parts, id, messageId);
  return all.map(({ message: of, member, state, queuedMs, problem }) => {
    const isCountersigned = activity.countersignatures.get(of)?.has(member) === true;
    return {
      ...{ message: of, member },
      state: isCountersigned ? 'countersigned' : state,
      queuedAt: new Date(queuedMs).toISOString(),
      ...(problem && !isCountersigned ? { problem } : {}),
    };
  });
}

const deliveriesAtOnce = 1000;

async function* allDeliveries({ store }: ActivityParts, id: Hash, messageId?: Hash): AsyncGenerator<Delivery> {
  if (messageId !== undefined) return yield* await store.deliveries(id, messageId);
  for (let after = 0; ; ) {
    const page = await store.deliveries(id, undefined, { after, limit: deliveriesAtOnce });
    yield* page;
    if (page.length < deliveriesAtOnce) return;
    after = page.at(-1)!.seq;
  }
}

function summaryOf(
  { doubts, clock, settings }: Pick<ActivityParts, 'doubts' | 'clock' | 'settings'>,
  stored: StoredActivity,
  { kind, request, role, ...listed }: Listed,
): ActivitySummary {
  const { id, owner, createdMs, changedMs, messageCount } = stored;
  const told = doubts(id)
    .values()
    .filter((doubt) => isTold(doubt, clock.nowMs(), settings));
  return {
    ...{ id, kind, request },
    ...(owner === undefined ? {} : { owner }),
    ...(role === undefined ? {} : { role }),
    ...{ ...listed, messageCount, doubtCount: [...told].length },
    createdAt: new Date(createdMs).toISOString(),
    changedAt: new Date(changedMs).toISOString(),
  };
}

function versionsOf(activity: Activity): VersionView[] {
  const { versions, countersignatures, notes } = activity;
  const notesOn = Map.groupBy(notes, ([, { on }]) => on);
  return [...versions.values()]
    .toSorted((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1))
    .map((version) => {
      const { id, number, builds, sender } = version;
      const [certificate] = certificatesOn(activity, id);
      return {
        ...{ id, number, builds, sender },
        countersigned: [...(countersignatures.get(id)?.keys() ?? [])].toSorted(),
        recipients: recipientsOf(activity, version).length,
        unsigned: unsignedOf(activity, version).toSorted(),
        ...(certificate ? { certificate } : {}),
        notes: (notesOn.get(id) ?? []).map(([note]) => note),
      };
    });
}

function proposalsOf(parts: ActivityParts, activity: Activity): ProposalView[] {
  return [...activity.proposals].map(([id, proposal]) => {
    const { change, group } = proposal;
    const votes = new Map<Address, boolean>();
    for (const { sender, approve } of proposal.votes.values()) votes.set(sender, votes.get(sender) || approve);
    const isDecided = isApproved(activity, proposal, proposal.votes.keys(), group);
    const hasOtherKey = 'add' in change && hasKeyOfItsOwn(parts, change.add);
    return {
      ...{ id, change, isApproved: isDecided },
      votes: [...votes].map(([member, approve]) => ({ member, approve })),
      isOpen:
        isOpen(activity, proposal, activity.group) && (isDecided || isVotedIn(activity, proposal, activity.group)),
      ...(hasOtherKey ? { hasOtherKey } : {}),
    };
  });
}

async function messageView(parts: ActivityParts, stored: StoredMessage): Promise<MessageView> {
  const { id: _, ...parcel } = messageOf(stored);
  const { id, place, type, sender, seal, sealDigest, takenMs } = stored;
  const recordId = stored.recordId ?? (await foundInLog(parts, stored));
  return {
    ...{ id, place, type, sender, parcel, seal, sealDigest },
    ...(recordId === undefined ? {} : { recordId }),
    takenAt: new Date(takenMs).toISOString(),
  };
}

/** The sender has put the record into the log: its receivers know it by its subject and digest. */
async function foundInLog(parts: ActivityParts, { id, seal, sealDigest: digest }: StoredMessage) {
  const { store } = parts;
  const found = await recordOf(parts, { digest, grp: readProtected(seal.protected).grp });
  if (found) await store.setRecord(id, found.id);
  return found?.id;
}
