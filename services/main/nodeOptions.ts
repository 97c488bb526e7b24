import type { ActivitySettings } from '../app/activities/ActivityHost.ts';
import { settingsOf } from '../app/CentreParts.ts';
import { checkWebhook } from '../app/webhook/webhookSettings.ts';
import type { Settings } from '../cli/settings.ts';
import type { Address } from '../core/bytes.ts';
import { defaultRateLimits } from '../http/HttpOptions.ts';
import type { NodeOptions } from './openNode.ts';
import { required } from './required.ts';
import { keysDirOf, storePlaces } from './storePlaces.ts';

/**
 * Options of a node from the settings of the command line.
 * @throws NotariumError `config-invalid` when the chain or the contract is missing, promises could not be kept, or the
 *   webhook is none.
 */
export function nodeOptions(settings: Settings, password: string): NodeOptions {
  const { confirmations, poolLimit, threads, replaceAfter } = settings;
  const { host, port, execute, promiseSlots, trustProxy, publish, listen, announce, peers } = settings;
  return {
    ...storePlaces(settings),
    keysDir: keysDirOf(settings),
    password,
    rpcUrl: required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL'),
    contract: required(settings.contract, 'the contract BlockAnchor', '--contract ADDRESS'),
    http: {
      access: { submit: settings.submit ?? 'open', read: settings.read ?? 'open' },
      rateLimits: settings.rateLimit === false ? false : defaultRateLimits,
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(trustProxy === undefined ? {} : { trustProxy }),
    },
    settings: settingsOf({
      ...(confirmations === undefined ? {} : { confirmations: Math.max(1, confirmations) }),
      ...(promiseSlots === undefined ? {} : { promiseSlots }),
      ...(poolLimit === undefined ? {} : { poolLimit }),
      ...(threads === undefined ? {} : { threads }),
      ...(execute === undefined ? {} : { autoExecute: execute }),
      ...(replaceAfter === undefined ? {} : { replaceAfterMs: 1000 * replaceAfter }),
    }),
    ...(settings.oldEncryptionKey === undefined ? {} : { oldEncryptionKeys: settings.oldEncryptionKey.split(',') }),
    ...(publish === undefined ? {} : { publish }),
    activities: activitiesOf(settings),
    ...webhookOf(settings),
    ...admissionOf(settings),
    ...(peers === undefined ? {} : { peers: peersOf(peers) }),
    ...(listen === undefined ? {} : { listen: listen.split(',') }),
    ...(announce === undefined ? {} : { announce: announce.split(',') }),
  };
}

function activitiesOf(settings: Settings): Partial<ActivitySettings> {
  const { attachmentQuota, undeliveredAlert, unrecordedAlert, recordSpread, unreadActivities, unreadQuota } = settings;
  return {
    ...(attachmentQuota === undefined ? {} : { uploadBytes: Math.floor(attachmentQuota * 2 ** 30) }),
    ...(undeliveredAlert === undefined ? {} : { undeliveredMs: Math.floor(undeliveredAlert * 3_600_000) }),
    ...(unrecordedAlert === undefined ? {} : { unrecordedMs: Math.floor(unrecordedAlert * 3_600_000) }),
    ...(recordSpread === undefined ? {} : { recordSpreadMs: Math.floor(recordSpread * 1000) }),
    ...(unreadActivities === undefined ? {} : { unreadActivities }),
    ...(unreadQuota === undefined ? {} : { unreadBytes: Math.floor(unreadQuota * 2 ** 30) }),
  };
}

function webhookOf({ webhook: url, webhookSecret, webhookEvents }: Settings): Pick<NodeOptions, 'webhook'> {
  if (url === undefined) return {};
  const secret = required(webhookSecret, 'the secret of the webhook', 'NOTARIUM_WEBHOOK_SECRET in the environment');
  const webhook = { url, secret, ...(webhookEvents === undefined ? {} : { events: webhookEvents.split(',') }) };
  checkWebhook(webhook);
  return { webhook };
}

function admissionOf({ admissionWait, asnDatabase }: Settings): Pick<NodeOptions, 'admission'> {
  if (admissionWait === undefined && asnDatabase === undefined) return {};
  return {
    admission: {
      ...(admissionWait === undefined ? {} : { firstWaitMs: 1000 * admissionWait }),
      ...(asnDatabase === undefined ? {} : { asnDatabase }),
    },
  };
}

/** Multiaddrs by address. */
function peersOf(text: string): Map<Address, string[]> {
  const peers = new Map<Address, string[]>();
  for (const pair of text.split(',')) {
    const [address, multiaddr] = pair.split('=') as [string, string];
    const name = address.toLowerCase() as Address;
    peers.set(name, [...(peers.get(name) ?? []), multiaddr]);
  }
  return peers;
}
