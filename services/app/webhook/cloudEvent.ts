import { createHash } from 'node:crypto';
import type { Address } from '../../core/bytes.ts';
import type { CentreEvent } from '../Centre.ts';

/** Media type of {@link CloudEvent}: CloudEvents 1.0, JSON format, structured mode. */
export const cloudEventType = 'application/cloudevents+json; charset=utf-8';

/** An event of a centre as a CloudEvent. */
export type CloudEvent = {
  readonly specversion: '1.0';
  /** The same however often the event is sent: a receiver may drop what it has had. */
  readonly id: string;
  /** Which centre of which network. */
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
};

/** The CloudEvent for an event. */
export function cloudEventOf(event: CentreEvent, centre: { network: string; address: Address }): CloudEvent {
  const { seq, type, time, data } = event;
  // After a restored backup numbers come again, for other events: the number alone would make a receiver drop those.
  const said = createHash('sha256')
    .update(JSON.stringify([type, time, data]))
    .digest('hex');
  const subject = subjectOf(data);
  return {
    specversion: '1.0',
    id: `${seq}-${said.slice(0, 16)}`,
    source: `urn:notarium:${centre.network}:${centre.address}`,
    type: `notarium.${type}`,
    ...(subject === undefined ? {} : { subject }),
    time,
    datacontenttype: 'application/json',
    data,
  };
}

function subjectOf({ proposalId, resourceSet, version }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof proposalId === 'string') return proposalId;
  if (typeof resourceSet !== 'string') return undefined;
  return version === undefined ? resourceSet : `${resourceSet}:${String(version)}`;
}
