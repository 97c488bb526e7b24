import { join, resolve } from 'node:path';
import { z } from 'zod';
import { NotariumError } from '../core/errors.ts';
import { addressSchema } from '../core/schemas.ts';
import { isMissingFile, readSmallFile } from '../lib/readSmallFile.ts';
import type { Terminal } from './Terminal.ts';

const portSchema = z.coerce.number().pipe(z.int().min(0).max(65535));
const urlSchema = z.string().refine((text) => URL.canParse(text), 'not a URL');
const addressTextSchema = z.string().toLowerCase().pipe(addressSchema);

/** A switch: a boolean in a file or as a flag, `true` or `false` in the environment. */
const switchSchema = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** Every setting that may stand in a config file, in the environment, or on the command line. */
const settingsSchema = z.strictObject({
  /** Base URL of the centre. */
  url: urlSchema.optional(),
  /** JSON-RPC of the chain. */
  rpcUrl: urlSchema.optional(),
  /** `BlockAnchor`. */
  contract: addressTextSchema.optional(),
  /** `EvidenceChannels`. */
  channels: addressTextSchema.optional(),
  apiKey: z.string().min(1).optional(),
  /** Private key in hexadecimal, or a file that holds one. */
  key: z.string().min(1).optional(),
  /** Keystore folder. */
  keystore: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  /** Files with encryption keys that the node had before, separated by commas. */
  oldEncryptionKey: z.string().min(1).optional(),
  password: z.string().optional(),
  /** Folder of trusted networks. */
  networks: z.string().min(1).optional(),
  /** Data folder of a centre. */
  data: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  port: portSchema.optional(),
  databaseUrl: z.string().min(1).optional(),
  logUrl: z.string().min(1).optional(),
  /** Bucket of the evidence of channels. */
  evidenceUrl: z.string().min(1).optional(),
  /** Bucket of the files of private activities. */
  attachmentsUrl: z.string().min(1).optional(),
  /** GiB of files that a client may have put without a message that names them. */
  attachmentQuota: z.coerce.number().pipe(z.number().min(0.001).max(1024)).optional(),
  /** Hours after which a message of an activity that a member has not taken is told as a problem. */
  undeliveredAlert: z.coerce.number().pipe(z.number().min(0.001).max(8760)).optional(),
  /** Hours after which it is told as a problem that the log has no record of a message of an activity. */
  unrecordedAlert: z.coerce.number().pipe(z.number().min(0.001).max(8760)).optional(),
  /** Seconds over which records of messages of activities are spread. */
  recordSpread: z.coerce.number().pipe(z.number().min(0).max(3600)).optional(),
  /** Activities, and GiB of messages, that a member may have here without anybody here having looked at them. */
  unreadActivities: z.coerce.number().pipe(z.int().min(1).max(1_000_000_000)).optional(),
  unreadQuota: z.coerce.number().pipe(z.number().min(0.001).max(1_048_576)).optional(),
  confirmations: z.coerce.number().pipe(z.int().min(0).max(1000)).optional(),
  /** Slots by which an acceptance promises inclusion. */
  promiseSlots: z.coerce.number().pipe(z.int().min(2).max(1_000_000)).optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).optional(),
  /** Who may submit signed records, and who may read, without an API key. */
  submit: z.enum(['open', 'key']).optional(),
  read: z.enum(['open', 'key']).optional(),
  /** Limits of requests for an address or key; on unless switched off. */
  rateLimit: switchSchema.optional(),
  /** false: serve only; another process on the same database publishes. */
  publish: switchSchema.optional(),
  /** false: what has passed is executed by others, or by hand. */
  execute: switchSchema.optional(),
  /** Multiaddrs, separated by commas, at which other centres may connect; and those that they are told to dial. */
  listen: z.string().min(1).optional(),
  announce: z.string().min(1).optional(),
  /** Where to dial centres instead of asking at their endpoints: ADDRESS=MULTIADDR, separated by commas. */
  peers: z
    .string()
    .regex(/^(0x[0-9a-fA-F]{40}=\/[^,=]+)(,0x[0-9a-fA-F]{40}=\/[^,=]+)*$/, 'not ADDRESS=MULTIADDR, separated by commas')
    .optional(),
  /** Express' `trust proxy`: number of proxies in front, or their addresses. */
  trustProxy: z.union([z.coerce.number().pipe(z.int().min(0).max(16)), z.string().min(1)]).optional(),
  /** Accounts whose channels a watchtower watches, separated by commas; all without it. */
  accounts: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}(,0x[0-9a-fA-F]{40})*$/, 'not addresses, separated by commas')
    .optional(),
  /** Channels that a watchtower keeps a state of at most. */
  channelLimit: z.coerce.number().pipe(z.int().min(1).max(10_000_000)).optional(),
  /** Most that gas may cost for the transactions of channels, in gwei. */
  maxGasPrice: z.coerce.number().pipe(z.number().min(0).max(1_000_000)).optional(),
  /** Records that may wait for a block. */
  poolLimit: z.coerce.number().pipe(z.int().min(1).max(100_000_000)).optional(),
  /** Threads that check records. */
  threads: z.coerce.number().pipe(z.int().min(1).max(256)).optional(),
  /** Seconds after which an anchor transaction that is in no block is replaced with higher fees. */
  replaceAfter: z.coerce.number().pipe(z.int().min(1).max(86_400)).optional(),
  /** Policy of the verifier of evidence that a centre is, too. */
  verifierPolicy: z.string().min(1).optional(),
  /** File that says how resource sets are kept on this machine. */
  resources: z.string().min(1).optional(),
  /** Seconds that a candidate waits after its first failed attempt here; more after each further one. */
  admissionWait: z.coerce.number().pipe(z.int().min(0).max(86_400)).optional(),
  /** Database of autonomous systems, in the layout of GeoLite2-ASN. */
  asnDatabase: z.string().min(1).optional(),
  /** Where events are told. */
  webhook: z.string().min(1).optional(),
  /** `whsec_…` of Standard Webhooks. */
  webhookSecret: z.string().min(1).optional(),
  /** Types of events that are told, separated by commas. */
  webhookEvents: z.string().min(1).optional(),
  s3AccessKeyId: z.string().min(1).optional(),
  s3SecretAccessKey: z.string().min(1).optional(),
});

/** See {@link settingsSchema}. */
export type Settings = z.infer<typeof settingsSchema> & { readonly data: string; readonly networks: string };

/** Environment variable of each setting. */
export const settingVariables: Readonly<Record<keyof typeof settingsSchema.shape, string>> = {
  url: 'NOTARIUM_URL',
  rpcUrl: 'NOTARIUM_RPC_URL',
  contract: 'NOTARIUM_CONTRACT',
  channels: 'NOTARIUM_CHANNELS',
  apiKey: 'NOTARIUM_API_KEY',
  key: 'NOTARIUM_PRIVATE_KEY',
  keystore: 'NOTARIUM_KEYSTORE',
  passwordFile: 'NOTARIUM_PASSWORD_FILE',
  oldEncryptionKey: 'NOTARIUM_OLD_ENCRYPTION_KEY',
  password: 'NOTARIUM_PASSWORD',
  networks: 'NOTARIUM_NETWORKS',
  data: 'NOTARIUM_DATA',
  host: 'NOTARIUM_HOST',
  port: 'NOTARIUM_PORT',
  databaseUrl: 'DATABASE_URL',
  logUrl: 'NOTARIUM_LOG_URL',
  evidenceUrl: 'NOTARIUM_EVIDENCE_URL',
  attachmentsUrl: 'NOTARIUM_ATTACHMENTS_URL',
  attachmentQuota: 'NOTARIUM_ATTACHMENT_QUOTA',
  undeliveredAlert: 'NOTARIUM_UNDELIVERED_ALERT',
  unrecordedAlert: 'NOTARIUM_UNRECORDED_ALERT',
  recordSpread: 'NOTARIUM_RECORD_SPREAD',
  unreadActivities: 'NOTARIUM_UNREAD_ACTIVITIES',
  unreadQuota: 'NOTARIUM_UNREAD_QUOTA',
  confirmations: 'NOTARIUM_CONFIRMATIONS',
  promiseSlots: 'NOTARIUM_PROMISE_SLOTS',
  logLevel: 'NOTARIUM_LOG_LEVEL',
  submit: 'NOTARIUM_SUBMIT',
  read: 'NOTARIUM_READ',
  rateLimit: 'NOTARIUM_RATE_LIMIT',
  publish: 'NOTARIUM_PUBLISH',
  execute: 'NOTARIUM_EXECUTE',
  listen: 'NOTARIUM_LISTEN',
  announce: 'NOTARIUM_ANNOUNCE',
  peers: 'NOTARIUM_PEERS',
  trustProxy: 'NOTARIUM_TRUST_PROXY',
  accounts: 'NOTARIUM_ACCOUNTS',
  channelLimit: 'NOTARIUM_CHANNEL_LIMIT',
  maxGasPrice: 'NOTARIUM_MAX_GAS_PRICE',
  poolLimit: 'NOTARIUM_POOL_LIMIT',
  threads: 'NOTARIUM_THREADS',
  replaceAfter: 'NOTARIUM_REPLACE_AFTER',
  verifierPolicy: 'NOTARIUM_VERIFIER_POLICY',
  resources: 'NOTARIUM_RESOURCES',
  admissionWait: 'NOTARIUM_ADMISSION_WAIT',
  asnDatabase: 'NOTARIUM_ASN_DATABASE',
  webhook: 'NOTARIUM_WEBHOOK',
  webhookSecret: 'NOTARIUM_WEBHOOK_SECRET',
  webhookEvents: 'NOTARIUM_WEBHOOK_EVENTS',
  s3AccessKeyId: 'NOTARIUM_S3_ACCESS_KEY_ID',
  s3SecretAccessKey: 'NOTARIUM_S3_SECRET_ACCESS_KEY',
};

/** Where the flag has a shorter name than the setting. */
const flagOf: Readonly<Record<string, string>> = { rpcUrl: 'rpc' };

/** Settings that name a file or folder: relative ones start from where they are written. */
const paths = ['keystore', 'passwordFile', 'networks', 'data', 'resources', 'verifierPolicy', 'asnDatabase'] as const;

/**
 * The settings of a run: flag before environment before config file. The file is `--config`, `NOTARIUM_CONFIG`, or
 * `config.json` in the data folder where there is one.
 * @param flags Parsed options of the command line; those that are no settings are left alone.
 * @throws NotariumError `config-invalid`, naming setting and source.
 */
export async function readSettings(terminal: Terminal, flags: Readonly<Record<string, unknown>>): Promise<Settings> {
  const names = Object.keys(settingsSchema.shape) as (keyof typeof settingVariables)[];
  const given = (value: unknown): boolean => value !== undefined && value !== '';
  const fromFlags = parsePart(
    pick(names, (name) => flags[flagOf[name] ?? name]),
    'command line',
    terminal.cwd,
  );
  const fromEnv = parsePart(
    pick(names, (name) => terminal.env[settingVariables[name]]),
    'environment',
    terminal.cwd,
  );
  const data = fromFlags.data ?? fromEnv.data ?? join(terminal.home, '.notarium');
  const asked = [flags.config, terminal.env.NOTARIUM_CONFIG].find(given);
  const path = asked === undefined ? join(data, 'config.json') : resolve(terminal.cwd, String(asked));
  const fromFile = await readConfigFile(path, asked !== undefined);
  const merged = { ...fromFile, ...fromEnv, ...fromFlags };
  return {
    ...merged,
    data: merged.data ?? data,
    networks: merged.networks ?? join(terminal.home, '.notarium', 'networks'),
  };

  function pick(all: typeof names, read: (name: (typeof names)[number]) => unknown): Record<string, unknown> {
    return Object.fromEntries(all.map((name) => [name, read(name)]).filter(([, value]) => given(value)));
  }
}

async function readConfigFile(path: string, wanted: boolean): Promise<z.infer<typeof settingsSchema>> {
  let text: string;
  try {
    text = (await readSmallFile(path, { maxBytes: 1 << 20 })).toString();
  } catch (cause) {
    if (!wanted && isMissingFile(cause)) return {};
    throw new NotariumError('config-invalid', `${path} cannot be read`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotariumError('config-invalid', `${path} is not JSON`, { cause });
  }
  return parsePart(value, path, resolve(path, '..'));
}

function parsePart(value: unknown, source: string, base: string): z.infer<typeof settingsSchema> {
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.');
    const name = source === 'environment' ? (settingVariables[field as keyof typeof settingVariables] ?? field) : field;
    throw new NotariumError('config-invalid', `${source}: ${name || 'file'}: ${issue.message}`, {
      data: { source, field },
    });
  }
  const settings = { ...parsed.data };
  for (const name of paths) {
    const path = settings[name];
    if (path !== undefined) settings[name] = resolve(base, path);
  }
  return settings;
}
