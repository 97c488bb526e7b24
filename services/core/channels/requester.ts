import { NotariumError } from '../errors.ts';
import { takeRecovered } from './recovered.ts';
import { closed, deposited, reopened, revealed, settled, ticked } from './requesterChain.ts';
import { end, leave, takeCloseAnswer, takeView } from './requesterClose.ts';
import { propose, resumed, takeAnswer, takeBill, takeRefusal } from './requesterExchange.ts';
import type {
  RequesterEvent,
  RequesterMemory,
  RequesterParty,
  RequesterState,
  RequesterStep,
} from './requesterMemory.ts';

type Handler = (party: RequesterParty, memory: RequesterMemory, event: never) => RequesterStep;

const everywhere = {
  ...{ resume: resumed, recovered: takeRecovered, tick: ticked },
  ...{ deposited, closing: closed, reopened, revealed, settled },
} as const;
// What comes late from the verifier is heard in every state, and changes nothing any more.
const heard = { answer: takeAnswer, refused: takeRefusal, closeAnswer: takeCloseAnswer, view: takeView } as const;

/**
 * The life of a channel at the requester. What is not in the table is refused with `channel-state`.
 *
 *        .--- answer, refused ---.
 *        v                       |
 *      open -----propose-----> proposed
 *        |                       |
 *       end                    leave
 *        v                       v
 *     ending --closeAnswer--> agreed     leaving <--reopened--.
 *        |                       |          |                 |
 *        '---- leave, closing ---+------ closing --------> closing --> settled
 */
const table: Readonly<Record<RequesterState, Partial<Record<RequesterEvent['kind'], Handler>>>> = {
  open: { bill: takeBill, propose, end, leave, ...heard, ...everywhere },
  proposed: { bill: takeBill, leave, ...heard, ...everywhere },
  ending: { leave, ...heard, ...everywhere },
  agreed: { leave, ...heard, ...everywhere },
  leaving: { leave, ...heard, ...everywhere },
  closing: { ...heard, ...everywhere },
  settled: everywhere,
};

/**
 * What a requester does about an event. Pure: the same memory and event give the same step.
 * @throws NotariumError `channel-state` where the event does not fit the state, and what is wrong with the event: the memory then stays
 *   as it is.
 */
export function stepRequester(party: RequesterParty, memory: RequesterMemory, event: RequesterEvent): RequesterStep {
  const handler = table[memory.state][event.kind];
  if (!handler) throw new NotariumError('channel-state', `${event.kind} while the channel is ${memory.state}`);
  return handler(party, memory, event as never);
}
