import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Attachment, maxAttachments } from '../../core/activities/contents.ts';
import type { DevicePlace } from '../../core/activities/credential.ts';
import { checkValues, maxBodyValues } from '../../core/activities/valueBounds.ts';
import { fromUtf8, type Hash } from '../../core/bytes.ts';
import { parseNetworkName } from '../../core/eip712.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { packFields } from '../../lib/activities/fieldDigests.ts';
import type { Activities } from '../../lib/client/Activities.ts';
import type { ActivityContents } from '../../lib/client/activityRequests.ts';
import { signDeviceStatement } from '../../lib/client/deviceStatement.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { openSigner } from '../openClient.ts';
import { Progress, sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { type ActivityClient, idAmong } from './ActivityRun.ts';

/** Options of commands that say something. */
export type ContentsFlags = CentreFlags & {
  readonly body?: string;
  readonly text?: string;
  readonly attach?: readonly string[];
  readonly fields?: string | boolean;
  readonly device?: string;
};

/** Largest file with a body; what a message may hold, the centre says. */
const maxBodyFileBytes = 8 << 20;
const maxDepth = 32;

/** Adds the options of {@link ContentsFlags}. */
export function withContents(command: Command): Command {
  return command
    .option('--body <file>', 'what it says: a JSON file, or - for what is piped in')
    .option('--attach <file>', 'a file beside it, of any size; may be repeated', several)
    .option(
      '--fields [paths]',
      'notarise each field, or those named (a.b,c) and what is beside them, so that it can be shown alone',
    )
    .option('--device <credential>', 'say it as a device: signed here by --key or --keystore, sent by the centre')
    .option('--key <file>', 'private key of the device')
    .option('--keystore <dir>', 'keystore folder of the device')
    .option('--password-file <file>', 'file with the password of the keystore');
}

/** Collects an option that may be repeated. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A JSON file that was named, or what is piped in for `-`. @throws NotariumError `file-unreadable`, the `json-…` codes, `activity-body-invalid`. */
export async function readJson({ terminal }: Pick<Run<unknown>, 'terminal'>, file: string): Promise<unknown> {
  const bytes =
    file === '-'
      ? await readPiped(terminal.stdin)
      : await readSmallFile(resolve(terminal.cwd, file), {
          maxBytes: maxBodyFileBytes,
          tooLarge: 'json-too-large',
          pipes: true,
        });
  const what = file === '-' ? 'what is piped in' : file;
  try {
    return parsed(bytes);
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    const { code, detail, data } = error;
    throw new NotariumError(code, detail === '' ? what : `${what}: ${detail}`, { data, cause: error });
  }
}

function parsed(bytes: Uint8Array): unknown {
  if (bytes.length > maxBodyFileBytes) throw new NotariumError('json-too-large');
  const text = textOf(bytes);
  if (text.startsWith('\ufeff'))
    throw new NotariumError('json-malformed', 'it begins with a byte order mark (BOM): save it as UTF-8 without one');
  checkValues(text, maxBodyValues);
  return parseStrictJson(text, { maxSize: maxBodyFileBytes, maxDepth });
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new NotariumError('text-not-utf8', undefined, { cause });
  }
}

async function readPiped(stdin: Run<unknown>['terminal']['stdin'] = none()): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodyFileBytes) throw new NotariumError('json-too-large');
  }
  return Buffer.concat(chunks);
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** What a message is to say, its files uploaded. Its place is named because a device has to sign for that. */
export async function readContents(
  run: Run<ContentsFlags>,
  { activities, network }: ActivityClient,
  place: Pick<DevicePlace, 'activity' | 'type' | 'on'>,
): Promise<ActivityContents> {
  const { options, terminal, settings } = run;
  const { body: file, text, attach = [], fields, device } = options;
  if (file !== undefined && text !== undefined) throw new NotariumError('usage-invalid', '--body or --text, not both');
  if (file === undefined && text === undefined)
    throw new NotariumError(
      'usage-invalid',
      place.type === 'note' ? '--body FILE or --text TEXT is needed' : '--body FILE is needed',
    );
  if (attach.length > maxAttachments)
    throw new NotariumError('usage-invalid', `a message has at most ${maxAttachments} files, not ${attach.length}`);
  const body = text ?? (await readJson(run, file!));
  const chosen = fields === undefined || fields === false ? undefined : fieldsOf(fields);
  // The centre checks it, too; but files may take hours until then.
  if (chosen !== undefined && attach.length > 0) await packFields(body, chosen === true ? {} : { fields: chosen });
  const files: { readonly path: string; readonly sizeBytes: number }[] = [];
  for (const given of attach) files.push(await foundFile(resolve(terminal.cwd, given)));
  const attachments: Attachment[] = [];
  for (const one of files) attachments.push(await upload(run, activities, one));
  const said = { body, ...(chosen === undefined ? {} : { fields: chosen }), attachments };
  if (device === undefined) return said;
  const signer = await openSigner(settings, terminal);
  if (!signer) throw new NotariumError('key-missing', 'a device signs: give its --key or --keystore');
  const credential = await credentialOf(run, activities, device);
  return {
    device: await signDeviceStatement(parseNetworkName(network)!, signer, { ...place, credential, ...said }),
  };
}

/** The credential by its id, or by how that begins among those of this client. */
async function credentialOf({ signal }: Run<unknown>, activities: Activities, text: string): Promise<Hash> {
  if (/^0x[0-9a-f]{64}$/.test(text)) return text as Hash;
  return idAmong(text, await activities.credentials({ signal }), 'credential');
}

/** Fields as they were typed. */
export function fieldsOf(typed: string | boolean): true | string[] {
  if (typeof typed !== 'string') return true;
  const fields = typed.split(',').map((field) => field.trim());
  if (fields.includes('')) throw new NotariumError('usage-invalid', 'a field has no name');
  return fields;
}

async function foundFile(path: string): Promise<{ path: string; sizeBytes: number }> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new NotariumError('file-unreadable', `${path} (${cause.code})`, { data: { path }, cause });
  });
  if (!info.isFile()) throw new NotariumError('file-unreadable', `${path} is not a file`, { data: { path } });
  return { path, sizeBytes: info.size };
}

async function upload(
  run: Run<unknown>,
  activities: Activities,
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
): Promise<Attachment> {
  const progress = new Progress(run.output, `sending ${basename(path)}`, sizeBytes, sizeText);
  async function* content(): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>) {
      progress.advance(chunk.length);
      yield chunk;
    }
  }
  try {
    const sent = await activities.putAttachment({ name: basename(path), content: content() }, { signal: run.signal });
    run.output.note(`  sent ${basename(path)}, ${sizeText(sent.sizeBytes)}, sha-256:${sent.digest.slice(2)}`);
    return sent;
  } finally {
    progress.stop();
  }
}
