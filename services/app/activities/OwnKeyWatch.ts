import { isNotariumError } from '../../core/errors.ts';
import type { ActivityParts } from './ActivityParts.ts';
import type { HeldMessages } from './exchange/HeldMessages.ts';
import { keyOf } from './parties.ts';
import { changeOwnKey } from './verbs/changeMembers.ts';

const pageSize = 200;

/** Tells the members of all activities when this node has another key in the registry: until then they seal to the old one. */
export class OwnKeyWatch {
  readonly #parts: ActivityParts;
  readonly #held: HeldMessages;
  #told: string | undefined;

  constructor(parts: ActivityParts, held: HeldMessages) {
    this.#parts = parts;
    this.#held = held;
    // With older keys at hand it may have been stopped before everybody knew the new one.
    if (parts.keys.length === 1) this.#told = parts.keys[0]!.publicKey;
  }

  /** Looks whether there is another one. */
  async look(signal: AbortSignal): Promise<void> {
    const { signer, keys, logger } = this.#parts;
    const key = keyOf(this.#parts, signer.address);
    if (key === undefined || key === this.#told) return;
    if (!keys.some(({ publicKey }) => publicKey === key)) {
      logger.error(
        { key },
        'the registry has a key of this node that it cannot open with: activities go on with the old one',
      );
      this.#told = key;
      return;
    }
    if (!(await this.#tellAll(signal))) return;
    await this.#held.sealAnew(key);
    this.#told = key;
    if (keys[0]!.publicKey === key)
      logger.info({ key }, 'older encryption keys are needed no more: all members know this one');
  }

  /** false where some could not be told. */
  async #tellAll(signal: AbortSignal): Promise<boolean> {
    const { store, logger } = this.#parts;
    const ids = [];
    for (let after: string | undefined; !signal.aborted; ) {
      const { items, next } = await store.list({ limit: pageSize, ...(after === undefined ? {} : { after }) });
      ids.push(...items.map(({ id }) => id));
      if (next === undefined) break;
      after = next;
    }
    let isDone = true;
    for (const id of ids) {
      if (signal.aborted) return false;
      try {
        await changeOwnKey(this.#parts, id);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        logger.warn({ err: error, activity: id }, 'the members were not told the new key of this node');
        isDone = false;
      }
    }
    return isDone;
  }
}
