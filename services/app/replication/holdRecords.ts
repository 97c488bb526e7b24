import type { Acceptance } from '../../core/acceptance.ts';
import { checkAcceptance, signAcceptance } from '../../core/acceptance.ts';
import { type Address, fromHex, type RecordId, toHex } from '../../core/bytes.ts';
import { quorumOf, slotAt } from '../../core/committee.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { decodeEntries, encodeEntries } from '../../core/log/entryBundle.ts';
import { gate } from '../../lib/gate.ts';
import { connectedPeers } from '../../net/connectedPeers.ts';
import { poolAcceptance, watchPooled } from '../poolAcceptance.ts';
import { isAway } from './Reconciler.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import { takeRecords } from './takeRecords.ts';
import { firstFrame, heldSchema, jsonFrame, onlyFrame, protocols, readJson } from './wire.ts';

/** Half of what a centre serves at a time to one other. */
const askedAtOnce = 16;
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Keeps records that another centre hands over, and promises them too, once they are on disk. */
export function serveHold(parts: ReplicationParts): void {
  const { net, store, network, signer, clock, periodSeconds, settings } = parts;
  net.handle(protocols.hold, async function* (frames, from) {
    const { first } = await firstFrame(frames);
    const entries = decodeEntries(first ?? new Uint8Array(0));
    const { checked } = await takeRecords(parts, entries, from);
    const answers: (Acceptance | null)[] = entries.map(() => null);
    const held = await Promise.all(checked.map(async (line) => ({ ...line, found: await store.findRecord(line.id) })));
    const pooled = held.flatMap(({ index, id, found }) => (found?.where === 'pool' ? [{ ...found, index, id }] : []));
    const nowMs = clock.nowMs();
    const includeBySlot = slotAt(nowMs, periodSeconds) + settings.promiseSlots;
    for (const { index, id, ...row } of await watchPooled(store, pooled, includeBySlot)) {
      answers[index] = await poolAcceptance(network, signer, toHex(id), row);
    }
    for (const { index, id, found } of held) {
      if (found?.where !== 'log') continue;
      // A block came in before the question: what is promised has been kept already.
      const promise = { recordId: toHex(id), acceptedAt: Math.floor(nowMs / 1000), includeBySlot };
      answers[index] = await signAcceptance(network, promise, signer);
    }
    yield jsonFrame(answers);
  });
}

/** See {@link ReplicationParts.holdLane}. */
export function holdLanes(): ReplicationParts['holdLane'] {
  const lanes = new Map<Address, ReturnType<typeof gate>>();
  return (member, job) => {
    const lane = lanes.get(member) ?? gate(askedAtOnce);
    lanes.set(member, lane);
    return lane(job);
  };
}

/**
 * Hands a record to the other centres until a quorum, ourselves included, has it on disk. Who is away or busy is asked again until
 * the time is up; it ends at once where too many others have said no.
 * @returns Their signed acceptances, ours first.
 * @throws NotariumError `quorum-unreachable`.
 */
export async function holdByQuorum(
  parts: ReplicationParts,
  id: RecordId,
  own: Acceptance,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<Acceptance[]> {
  const { net, registry, store, network, crypto, signer, clock, holdLane } = parts;
  const members = registry.active().map(({ address }) => address);
  const quorum = quorumOf(members.length);
  const acceptances = [own];
  const found = await store.findRecord(fromHex(id));
  if (quorum === 1 || !found) return acceptances;
  const bundle = encodeEntries([found.entry]);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const endMs = performance.now() + options.timeoutMs;
  const { promise: decided, resolve } = Promise.withResolvers<void>();
  const askOnce = async (member: Address, timeoutMs: number): Promise<void> => {
    const answer = net.request(member, protocols.hold, [bundle], { timeoutMs, signal });
    const [acceptance] = readJson(heldSchema, await onlyFrame(answer));
    if (!acceptance || acceptance.recordId !== id || acceptance.centre !== member) return;
    checkAcceptance(network, acceptance, crypto);
    acceptances.push(acceptance);
    if (acceptances.length >= quorum) resolve();
  };
  const leftMs = (): number => Math.max(0, Math.ceil(endMs - performance.now()));
  const ask = async (member: Address): Promise<void> => {
    for (let pauseMs = firstPauseMs; !signal.aborted && leftMs() > 0; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      try {
        // Whoever is away is dialled for the first question, and then by the network, which does so at its own pace.
        if (pauseMs === firstPauseMs || connectedPeers(net).has(member))
          return await holdLane(member, async () => {
            if (!signal.aborted && leftMs() > 0) await askOnce(member, leftMs());
          });
      } catch (error) {
        // One that has just been started, or is being connected again, is there a moment later.
        if (!isAway(error) && !isNotariumError(error, 'peer-busy')) throw error;
      }
      // Not all that wait for the same one at the same moment.
      await clock.sleep(Math.min(pauseMs * (0.5 + Math.random() / 2), leftMs()), signal);
    }
  };
  const others = members.filter((member) => member !== signer.address);
  let asking = others.length;
  const askAndCount = async (member: Address): Promise<void> => {
    try {
      await ask(member);
    } finally {
      asking--;
      if (acceptances.length + asking < quorum) resolve();
    }
  };
  await Promise.race([decided, Promise.allSettled(others.map(askAndCount))]);
  stop.abort();
  if (acceptances.length >= quorum) return acceptances;
  throw new NotariumError('quorum-unreachable', 'the record stays accepted here', {
    data: { have: acceptances.length, want: quorum, id, acceptance: own },
  });
}
