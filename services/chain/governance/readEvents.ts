import type { Address, Hex } from '../../core/bytes.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import { eventPlaces } from '../eventPlaces.ts';
import type { GovernanceEvent } from '../Governance.ts';
import { governorInterface, resourcesInterface } from '../interfaces.ts';
import { logPages, type RawLog } from '../logPages.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { createdEvent, governorEvent } from './governorEvents.ts';
import { resourceEvent } from './resourceEvents.ts';

const topicOf = (name: Parameters<typeof governorInterface.getEvent>[0]): Hex =>
  governorInterface.getEvent(name).topicHash as Hex;
const created = topicOf('ProposalCreated');
const signed = topicOf('ProposalSigned');
const topics: readonly Hex[] = [
  created,
  signed,
  ...(['VoteCast', 'ProposalCanceled', 'ProposalExecuted', 'RuleSet', 'WeightsSet'] as const).map(topicOf),
  ...(['VersionAdded', 'Reported', 'VersionStateChanged'] as const).map(
    (name) => resourcesInterface.getEvent(name).topicHash as Hex,
  ),
];

/**
 * See Governance.events.
 * @throws NotariumError `chain-answer-invalid`: also where a block was replaced while its events were read; ask again.
 */
export async function readEvents(
  source: GovernanceSource,
  fromBlock: number,
  toBlock: number,
): Promise<GovernanceEvent[]> {
  const { governor, resources } = source.contracts;
  const logs: RawLog[] = [];
  const filter = { address: [governor, resources], topics: [topics] };
  for await (const page of logPages(source.rpc, filter, { from: fromBlock, to: toBlock })) logs.push(...page);
  const places = await eventPlaces(source.rpc, logs);
  const events: GovernanceEvent[] = [];
  for (let index = 0; index < logs.length; index++) {
    const log = logs[index]!;
    const place = places[index]!;
    const address = log.address.toLowerCase() as Address;
    if (address === resources) events.push({ place, ...resourceEvent(log) });
    else if (address !== governor) throw invalidAnswer('a log that was not asked for');
    // The contract emits the two together, one behind the other.
    else if (log.topics[0] === created) events.push({ place, ...createdEvent(log, signatureOf(log, logs[++index])) });
    else events.push({ place, ...governorEvent(log) });
  }
  return events;
}

function signatureOf(log: RawLog, next: RawLog | undefined): RawLog {
  if (next?.topics[0] !== signed || next.transactionHash !== log.transactionHash) {
    throw invalidAnswer('a proposal without its signature');
  }
  return next;
}
