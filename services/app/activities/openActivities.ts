import { Sealer } from '../../lib/activities/seal.ts';
import { every } from '../../lib/every.ts';
import { Activities } from './Activities.ts';
import type { ActivityDesk } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { attachment, putAttachment } from './attachments.ts';
import { Damage } from './Damage.ts';
import { BodyTurns } from './exchange/BodyTurns.ts';
import { Comparer } from './exchange/Comparer.ts';
import { maxEnvelopeBytes } from './exchange/envelopeItems.ts';
import { HeldMessages } from './exchange/HeldMessages.ts';
import { maxItemsBytes } from './exchange/items.ts';
import { Outbox } from './exchange/Outbox.ts';
import { PeerBytes } from './exchange/PeerBytes.ts';
import { Receiver } from './exchange/Receiver.ts';
import { Records } from './exchange/Records.ts';
import { Refusals } from './exchange/Refusals.ts';
import { serveAttachments } from './exchange/serveAttachments.ts';
import { serveMessages } from './exchange/serveMessages.ts';
import { FileFetches } from './FileFetches.ts';
import { LateAnswers } from './LateAnswers.ts';
import { LateCertificates } from './LateCertificates.ts';
import { Overdue } from './Overdue.ts';
import { OwnKeyWatch } from './OwnKeyWatch.ts';
import { RecordWatch } from './RecordWatch.ts';
import { requireOperator, requireStored } from './requireActivity.ts';
import { Unread } from './Unread.ts';
import { Uploads } from './Uploads.ts';
import { certificate, certificateRecord } from './verbs/certificate.ts';
import { changeMembers, leave } from './verbs/changeMembers.ts';
import { countersign } from './verbs/countersign.ts';
import { credentials, issueCredential, revokeCredential } from './verbs/devices.ts';
import { note } from './verbs/note.ts';
import { propose } from './verbs/propose.ts';
import { start } from './verbs/start.ts';
import { update } from './verbs/update.ts';
import { vote } from './verbs/vote.ts';
import { deliveries, list, message, messages, show } from './views.ts';

/** Private activities of a node, at work. */
export type OpenActivities = {
  readonly desk: ActivityDesk;
  /** Ends all work; the store is closed by who gave it. */
  close(): Promise<void>;
};

/** Puts the private activities of a node together, and sends on what is on the disk from before. */
export function openActivities(host: ActivityHost): OpenActivities {
  const stop = new AbortController();
  const parts: ActivityParts = {
    ...host,
    activities: new Activities(host),
    sealer: new Sealer(),
    damage: new Damage(host),
    unread: new Unread(host),
    bodyTurns: new BodyTurns({ burstMs: host.settings.checkMs }),
    uploads: host.files && new Uploads(host, host.files),
    get refusals() {
      return refusals;
    },
    get fetches() {
      return fetches;
    },
    fetched: new PeerBytes(2 * (maxItemsBytes + maxEnvelopeBytes)),
    wake: (members) => outbox.wake(members),
    submit() {
      // What is spread is not due now: it is looked for from time to time.
      if (host.settings.recordSpreadMs === 0) records.submit();
    },
    changed(activity) {
      held.changed(activity);
      comparer.changed(activity);
    },
    caughtUp: (activity) => comparer.caughtUp(activity),
    isBehind: (activity) => comparer.isBehind(activity),
    answerLater: (activity, messages) => lateAnswers.add(activity, messages),
    certifyLater: (activity) => lateCertificates.add(activity),
    doubts: (activity) => comparer.doubts.of(activity),
    disputed: (activity, member) => comparer.doubts.raise(activity, member, { kind: 'forked', messages: [] }, true),
    signedTwice: (activity, member) => comparer.doubts.signedTwice(activity, member),
  };
  const refusals = new Refusals(parts);
  const fetches = new FileFetches(parts, stop.signal);
  const outbox = new Outbox(parts);
  const records = new Records(parts);
  const held = new HeldMessages(parts, stop.signal);
  const overdue = new Overdue(parts);
  const lateAnswers = new LateAnswers(parts, stop.signal);
  const lateCertificates = new LateCertificates(parts, stop.signal);
  const comparer = new Comparer(parts, held, { signal: stop.signal, quiet: (activity) => overdue.quiet(activity) });
  const receiver = new Receiver(parts, held);
  const ownKey = new OwnKeyWatch(parts, held);
  const recordWatch = new RecordWatch(parts);
  const { logger, clock, settings } = host;
  host.onJoin((net) => {
    receiver.join(net);
    serveMessages(parts, net);
    comparer.join(net);
    lateAnswers.join();
    serveAttachments(parts, net);
    const failed = (error: unknown): void => logger.error({ err: error }, 'what waits for members could not be read');
    void Promise.all([outbox.join(net), held.join(net)]).catch(failed);
    parts.net = net;
  });
  records.submit();
  const loop = (name: string, work: () => Promise<void>, periodMs = settings.lookMs) =>
    every(periodMs, work, { signal: stop.signal, logger, name, clock }).done;
  // Of several processes one that is not in the network leaves the duty to one that is.
  const isOnDuty = async (): Promise<boolean> => Boolean(parts.net || !host.store.isShared) && (await host.onDuty());
  const loops = [
    loop('records of activities', async () => records.submit()),
    loop('deliveries of activities', async () => {
      await outbox.look();
      await outbox.report(held.count);
    }),
    loop('held messages of activities', () => held.look()),
    loop('comparison of activities', () => comparer.look()),
    loop('what is overdue in activities', async () => {
      if (await isOnDuty()) await overdue.look(stop.signal);
    }),
    loop(
      'records that are missing in activities',
      async () => {
        if ((parts.net || !host.store.isShared) && (await host.onDuty())) await recordWatch.look(stop.signal);
        else recordWatch.rest();
      },
      settings.compareMs,
    ),
    loop('own key of activities', async () => {
      if (await isOnDuty()) await ownKey.look(stop.signal);
    }),
    loop('files of activities', async () => parts.uploads?.collect(), settings.collectMs),
  ];
  return {
    desk: deskOf(parts),
    async close() {
      stop.abort();
      await Promise.all([
        ...loops,
        outbox.close(),
        records.close(),
        held.close(),
        comparer.close(),
        lateAnswers.close(),
        lateCertificates.close(),
      ]);
    },
  };
}

function deskOf(parts: ActivityParts): ActivityDesk {
  return {
    start: (by, request) => start(parts, by, request),
    update: (by, id, request) => update(parts, by, id, request),
    note: (by, id, request) => note(parts, by, id, request),
    countersign: (by, id, version) => countersign(parts, by, id, version),
    certificate: (by, id, version) => certificate(parts, by, id, version),
    certificateRecord: (by, id, version) => certificateRecord(parts, by, id, version),
    propose: (by, id, change) => propose(parts, by, id, change),
    vote: (by, id, asked) => vote(parts, by, id, asked),
    changeMembers: (by, id, change) => changeMembers(parts, by, id, change),
    leave: (by, id) => leave(parts, by, id),
    list: (by, query) => list(parts, by, query),
    show: (by, id) => show(parts, by, id),
    messages: (by, id, query) => messages(parts, by, id, query),
    message: (by, id, asked) => message(parts, by, id, asked),
    deliveries: (by, id, asked) => deliveries(parts, by, id, asked),
    async give(by, id, client) {
      requireOperator(by);
      await requireStored(parts, by, id);
      await parts.store.setOwner(id, client);
    },
    putAttachment: (by, file) => putAttachment(parts, by, file),
    attachment: (by, id, place) => attachment(parts, by, id, place),
    issueCredential: (by, device) => issueCredential(parts, by, device),
    credentials: (by) => credentials(parts, by),
    revokeCredential: (by, id) => revokeCredential(parts, by, id),
  };
}
