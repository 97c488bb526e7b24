import type { ChannelEvent } from '../../chain/channels/ChannelEvent.ts';
import type { ChannelEvent as ExchangeEvent } from '../../core/channels/party.ts';

/** An event of the chain as the machines take it; undefined for one that says nothing to them. */
export function exchangeEventOf(event: ChannelEvent): ExchangeEvent | undefined {
  switch (event.type) {
    case 'deposited':
      return { kind: 'deposited', channelId: event.channelId, held: event.held };
    case 'closing': {
      const { channelId, deadline, state } = event;
      return { kind: 'closing', channelId, version: state.version, deadline };
    }
    case 'settled':
      return { kind: 'settled', channelId: event.channelId, evidenceCount: event.evidenceCount };
    case 'revealed':
      return { kind: 'revealed', keyHash: event.keyHash, key: event.key, at: event.place.timestamp };
    default:
      return undefined;
  }
}

/** What the machines are told when a reorganisation has taken an event back; undefined for nothing. */
export function takenBackOf(event: ChannelEvent): ExchangeEvent | undefined {
  return event.type === 'closing' ? { kind: 'reopened', channelId: event.channelId } : undefined;
}
