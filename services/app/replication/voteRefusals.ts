import { NotariumError } from '../../core/errors.ts';

/** `vote-refused` for what may look right to a centre with another clock, or another view of the chain. */
export function refused(reason: string, data: Record<string, unknown> = {}): NotariumError {
  return new NotariumError('vote-refused', reason, { data });
}

/** `vote-refused` for a block that no centre with the same log can find right: its publisher is to blame. */
export function ownFault(reason: string, data: Record<string, unknown> = {}): NotariumError {
  return refused(reason, { ...data, isOwnFault: true });
}

/** Whether the refusal came from {@link ownFault}. */
export function isOwnFault({ data }: NotariumError): boolean {
  return (data as Record<string, unknown>).isOwnFault === true;
}
