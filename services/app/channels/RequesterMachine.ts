import type { BillChange, Moment } from '../../core/channels/party.ts';
import { stepRequester } from '../../core/channels/requester.ts';
import type {
  RequesterEffect,
  RequesterEvent,
  RequesterMemory,
  RequesterParty,
} from '../../core/channels/requesterMemory.ts';
import type { StoredChannel } from '../../store/channels/ChannelStore.ts';
import { requesterJson } from './memoryJson.ts';
import type { RequesterParts } from './RequesterParts.ts';

/** What has changed: the memory, and bills. Where `saves` holds, the memory must be durable too. */
export type RequesterChange = {
  readonly memory: RequesterMemory;
  readonly saves: boolean;
  readonly bills: readonly BillChange[];
};

/** Is told of an effect, of the memory before it, and of the bills that have changed, once all of it is durable. */
export type FollowEffect = (effect: RequesterEffect, before: RequesterMemory, bills: readonly BillChange[]) => void;

/** The memory of a requester: what happens to it is taken one after another, and is on disk before it leads to anything. */
export class RequesterMachine {
  readonly party: RequesterParty;
  readonly #parts: Pick<RequesterParts, 'store' | 'clock' | 'chain'>;
  readonly #follow: FollowEffect;
  #memory: RequesterMemory;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    parts: Pick<RequesterParts, 'store' | 'clock' | 'chain'>,
    party: RequesterParty,
    memory: RequesterMemory,
    follow: FollowEffect,
  ) {
    this.#parts = parts;
    this.party = party;
    this.#memory = memory;
    this.#follow = follow;
  }

  get memory(): RequesterMemory {
    return this.#memory;
  }

  /** Takes an event. @returns Its effects. @throws NotariumError what {@link stepRequester} throws; nothing has changed then. */
  do(event: RequesterEvent): Promise<readonly RequesterEffect[]> {
    return this.#inTurn(async () => {
      const before = this.#memory;
      const step = stepRequester(this.party, before, event);
      await this.#keep(step);
      for (const effect of step.effects) this.#follow(effect, before, step.bills);
      return step.effects;
    });
  }

  /** Takes many events as one change, whose effects nobody waits for. */
  change(work: (memory: RequesterMemory) => RequesterChange): Promise<void> {
    return this.#inTurn(async () => this.#keep(work(this.#memory)));
  }

  /** Resolves when nothing is being taken any more. */
  async idle(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  async now(): Promise<Moment> {
    const { clock, chain } = this.#parts;
    return { time: Math.floor(clock.nowMs() / 1000), chainTime: await chain.timestamp() };
  }

  async #keep({ memory, saves, bills }: RequesterChange): Promise<void> {
    const { channelId, channel } = this.party;
    if (saves || bills.length > 0) {
      const row: StoredChannel = {
        ...{ channelId, role: 'requester', channel, state: memory.state, memory: requesterJson(memory) },
      };
      await this.#parts.store.save([{ channelId, bills, ...(saves ? { channel: row } : {}) }]);
    }
    this.#memory = memory;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }
}
