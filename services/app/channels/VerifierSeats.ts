import type { Hash } from '../../core/bytes.ts';
import { type Channel, channelIdOf } from '../../core/channels/channel.ts';
import type { BillChange } from '../../core/channels/party.ts';
import type { ChannelView } from '../../core/channels/update.ts';
import { stepVerifier } from '../../core/channels/verifier.ts';
import { verifierDueAt } from '../../core/channels/verifierChain.ts';
import {
  firstVerifierMemory,
  type VerifierMemory,
  type VerifierParty,
  type VerifierStep,
  viewToKeep,
} from '../../core/channels/verifierMemory.ts';
import { NotariumError } from '../../core/errors.ts';
import { InOrder } from '../../lib/InOrder.ts';
import type { ChannelChange, StoredChannel } from '../../store/channels/ChannelStore.ts';
import type { NewestState } from '../../store/channels/NewestStates.ts';
import { GroupSaves } from './GroupSaves.ts';
import { verifierJson, verifierMemoryOf } from './memoryJson.ts';
import { OpeningLookups } from './OpeningLookups.ts';
import type { VerifierParts } from './VerifierParts.ts';

/** A channel that is in memory. */
export type Seat = { readonly party: VerifierParty; memory: VerifierMemory };

/** Most channels that are kept in memory at once; the others are read when they are asked for. */
const maxSeats = 512;

/**
 * The channels of a verifier: what happens to one is taken one after another, and is on disk before it leads to anything; the channels'
 * writes share their way to the disk. Before anything is signed in a channel, its newest state is known, also by a verifier whose database
 * comes from a backup: that state is kept a second time, apart.
 */
export class VerifierSeats {
  readonly #parts: VerifierParts;
  readonly #saves: GroupSaves<ChannelChange>;
  readonly #states: GroupSaves<NewestState>;
  readonly #seats = new Map<Hash, Seat>();
  readonly #turns = new InOrder();
  readonly #openings: OpeningLookups;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#openings = new OpeningLookups(parts.chain, parts.clock);
    this.#saves = new GroupSaves((changes) => parts.store.save(changes));
    this.#states = new GroupSaves((states) => parts.states.save(states));
  }

  /**
   * One after another for each channel.
   * @throws NotariumError `channel-unknown`, `channel-invalid` for a channel that is not taken on, `rate-limited`; what the work throws.
   */
  inTurn<T>(channelId: Hash, work: (seat: Seat) => Promise<T>): Promise<T> {
    return this.#turns.run(channelId, async () => work(await this.#seat(channelId)));
  }

  /** What a channel is that was taken on; the chain is not asked. */
  async known(channelId: Hash): Promise<Channel | undefined> {
    return (this.#seats.get(channelId)?.party ?? (await this.#parts.store.channel(channelId)))?.channel;
  }

  /** The chain has told of a channel's opening. */
  announce(channelId: Hash): void {
    this.#openings.announce(channelId);
  }

  /** Resolves once what a step has led to is durable: in the database first, then apart, so that only a backup is behind that. */
  async keep(seat: Seat, memory: VerifierMemory, step: Pick<VerifierStep, 'saves' | 'bills'>): Promise<void> {
    const { channelId, channel } = seat.party;
    if (step.saves || step.bills.length > 0) {
      const dueAt = verifierDueAt(seat.party, memory, Math.floor(this.#parts.clock.nowMs() / 1000));
      const row: StoredChannel = {
        ...{ channelId, role: 'verifier', channel, state: memory.state, memory: verifierJson(memory) },
        ...(dueAt === undefined ? {} : { dueAt }),
      };
      const change: ChannelChange = { channelId, ...forgetting(step.bills), ...(step.saves ? { channel: row } : {}) };
      try {
        await this.#saves.save(change);
        await this.#keepApart(seat, memory);
      } catch (error) {
        // Nobody knows what is on disk now: it is read again.
        this.#seats.delete(channelId);
        throw error;
      }
    }
    seat.memory = memory;
  }

  /** Resolves when nothing is being taken any more. */
  async idle(): Promise<void> {
    await this.#turns.idle();
  }

  async #keepApart({ party, memory: before }: Seat, memory: VerifierMemory): Promise<void> {
    const { channelId } = party;
    const isSigned = memory.latest !== before.latest || (memory.state === 'agreed' && before.state !== 'agreed');
    if (memory.state === 'settled') {
      if (before.state !== 'settled') await this.#states.save({ channelId, view: undefined });
    } else if (isSigned) await this.#states.save({ channelId, view: viewToKeep(party, memory) });
  }

  async #seat(channelId: Hash): Promise<Seat> {
    const known = this.#seats.get(channelId);
    // Used last, given up last.
    this.#seats.delete(channelId);
    const seat = known ?? (await this.#readSeat(channelId));
    this.#seats.set(channelId, seat);
    for (const other of this.#seats.keys()) {
      if (this.#seats.size <= maxSeats) break;
      if (!this.#turns.has(other)) this.#seats.delete(other);
    }
    return seat;
  }

  async #readSeat(channelId: Hash): Promise<Seat> {
    const { store } = this.#parts;
    const stored = await store.channel(channelId);
    const seat: Seat = stored
      ? {
          party: this.#partyOf(channelId, stored.channel),
          memory: verifierMemoryOf(stored.memory, await store.openBills(channelId)),
        }
      : await this.#accept(channelId);
    await this.#recall(seat);
    return seat;
  }

  /** Goes on from what is kept apart where that is newer; keeps apart what a crash or a full disk has kept from it. */
  async #recall(seat: Seat): Promise<void> {
    const { party, memory } = seat;
    const { channelId } = party;
    if (memory.state === 'settled') return;
    const view = await this.#parts.states.newest(channelId);
    if (view && memory.state !== 'agreed' && (await this.#adopt(seat, view))) return;
    const isApart =
      (view?.latest?.state.version ?? 0) === memory.ledger.version &&
      (memory.state !== 'agreed' || view?.closing !== null);
    if (!isApart) await this.#states.save({ channelId, view: viewToKeep(party, memory) });
  }

  /** Takes over what is newer; whether it was. */
  async #adopt(seat: Seat, view: ChannelView): Promise<boolean> {
    const { party, memory } = seat;
    const { channelId } = party;
    let step: VerifierStep;
    try {
      step = stepVerifier(party, memory, { kind: 'view', view });
    } catch (cause) {
      throw new NotariumError('store-corrupt', 'the newest state that is kept apart is damaged', {
        data: { channelId },
        cause,
      });
    }
    if (!step.saves) return false;
    const [have, kept] = [memory.ledger.version, step.memory.ledger.version];
    this.#parts.logger.warn(
      { channelId, have, kept },
      'this verifier comes from a backup: its newest state was kept apart',
    );
    await this.keep(seat, step.memory, step);
    return true;
  }

  async #accept(channelId: Hash): Promise<Seat> {
    const { signer, network, crypto, settings } = this.#parts;
    const opened = await this.#openings.of(channelId);
    if (!opened) throw new NotariumError('channel-unknown');
    const { channel, held } = opened;
    if (channelIdOf(network, channel, crypto.keccak256) !== channelId || channel.verifier !== signer.address)
      throw new NotariumError('channel-invalid', 'it is not a channel of this verifier');
    settings.checkTerms(channel, held);
    const seat = { party: this.#partyOf(channelId, channel), memory: firstVerifierMemory(held) };
    await this.keep(seat, seat.memory, { saves: true, bills: [] });
    return seat;
  }

  #partyOf(channelId: Hash, channel: Channel): VerifierParty {
    const { network, signer, crypto, settings, keyOf } = this.#parts;
    const { safetySeconds, locator = '' } = settings;
    const common = { network, channelId, channel, signer, crypto, safetySeconds, locator };
    return { ...common, keyOf: (billId) => keyOf(channelId, billId) };
  }
}

/** Of a bill of a verifier that is gone nobody has signed or paid anything: requesters could fill the disk with them. */
function forgetting(bills: readonly BillChange[]): Pick<ChannelChange, 'bills' | 'forgotten'> {
  const forgotten = bills.filter(({ state }) => state === 'gone').map(({ signed }) => signed.bill.id);
  return { bills: bills.filter(({ state }) => state !== 'gone'), ...(forgotten.length > 0 ? { forgotten } : {}) };
}
