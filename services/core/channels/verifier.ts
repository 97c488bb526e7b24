import { NotariumError } from '../errors.ts';
import { closed, deposited, left, reopened, revealed, settled, ticked } from './verifierChain.ts';
import { agreeToClose, cancelBill, offerBill, takeUpdate, takeView } from './verifierExchange.ts';
import type { VerifierEvent, VerifierMemory, VerifierParty, VerifierState, VerifierStep } from './verifierMemory.ts';

type Handler = (party: VerifierParty, memory: VerifierMemory, event: never) => VerifierStep;

const everywhere = { deposited, closing: closed, reopened, revealed, settled } as const;

/**
 * The life of a channel at the verifier. What is not in the table is refused with `channel-state`; an update and a closing are heard in
 * every state, since the same one again gets the same answer.
 *
 *     open --close--> agreed ------.
 *      |  \             |           \
 *      |   closing    closing      settled
 *    leave, tick  \     v             v
 *      '-> leaving -> closing --> settled
 *             ^---------'
 *              reopened
 */
const table: Readonly<Record<VerifierState, Partial<Record<VerifierEvent['kind'], Handler>>>> = {
  open: {
    ...{ offer: offerBill, update: takeUpdate, close: agreeToClose, view: takeView, cancel: cancelBill },
    ...{ leave: left, tick: ticked, ...everywhere },
  },
  agreed: { update: takeUpdate, close: agreeToClose, leave: left, tick: ticked, ...everywhere },
  leaving: {
    ...{ update: takeUpdate, close: agreeToClose, view: takeView, cancel: cancelBill },
    ...{ leave: left, tick: ticked, ...everywhere },
  },
  closing: {
    ...{ update: takeUpdate, close: agreeToClose, view: takeView, cancel: cancelBill },
    ...{ tick: ticked, ...everywhere },
  },
  settled: { update: takeUpdate, close: agreeToClose, tick: ticked, ...everywhere },
};

/**
 * What a verifier does about an event. Pure: the same memory and event give the same step.
 * @throws NotariumError `channel-state` where the event does not fit the state, and what is wrong with the event: the memory then stays
 *   as it is.
 */
export function stepVerifier(party: VerifierParty, memory: VerifierMemory, event: VerifierEvent): VerifierStep {
  const handler = table[memory.state][event.kind];
  if (!handler) throw new NotariumError('channel-state', `${event.kind} while the channel is ${memory.state}`);
  return handler(party, memory, event as never);
}
