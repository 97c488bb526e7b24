import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { disclosureText, makeDisclosure } from '../../core/activities/disclosure.ts';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Activities } from '../../lib/client/Activities.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { exists } from '../exists.ts';
import { Progress, sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { shellWord } from '../shellWord.ts';
import { idAmong, onlyHead, openActivity, short, versionOf } from './ActivityRun.ts';
import { awaitCertificate } from './awaitCertificate.ts';
import { fieldsOf } from './readContents.ts';

/** Options of `notarium activity attachment`. */
export type AttachmentFlags = CentreFlags & { readonly out?: string; readonly message?: string };
/** Options of `notarium activity disclose`. */
export type DiscloseFlags = CentreFlags & {
  readonly out?: string;
  readonly message?: string;
  readonly fields?: string;
  readonly whole?: boolean;
  readonly author?: boolean;
  readonly attachment?: readonly string[];
} & ReceiptFlags;

/** Options of commands that take a receipt along. */
export type ReceiptFlags = { readonly receipt: boolean; readonly wait?: string | boolean };
/** Options of `notarium activity certificate`. */
export type CertificateFlags = CentreFlags & ReceiptFlags & { readonly out?: string };

/** As long as `notarium notarize --wait` waits. */
const usualWaitSeconds = 120;

/** `notarium activity attachment`. */
export async function saveAttachment(run: Run<AttachmentFlags>, text: string, place = '0'): Promise<void> {
  const { options, output, signal, terminal } = run;
  const index = indexOf(place);
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id);
  const { attachment, content } = await activities.attachment(id, { message, index }, { signal });
  // Others have named it: it is to land in this folder, and under no name that hides it.
  const name = basename(attachment.name.replaceAll('\\', '/')).replace(/^\.+/, '') || 'attachment';
  const path = resolve(terminal.cwd, options.out ?? name);
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  const progress = new Progress(output, 'fetching', attachment.sizeBytes, sizeText);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      progress.advance(chunk.length);
      yield chunk;
    }
  }
  try {
    await pipeline(counted(), createWriteStream(temporary, { flags: 'wx', flush: true }), { signal });
    await link(temporary, path);
  } catch (cause) {
    signal.throwIfAborted();
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof NotariumError || typeof code !== 'string') throw cause;
    if (code === 'EEXIST') throw fileExists(path);
    throw new NotariumError('file-unwritable', `${path} (${code})`, { data: { path, cause: code }, cause });
  } finally {
    progress.stop();
    await rm(temporary, { force: true });
  }
  const { sizeBytes, digest } = attachment;
  output.json({ ok: true, path, name: attachment.name, sizeBytes, digest });
  output.line(`${output.mark('passed')} ${path}, ${sizeText(sizeBytes)}`, `  sha-256:${digest.slice(2)}`);
}

/** `notarium activity disclose`. */
export async function disclose(run: Run<DiscloseFlags>, text: string): Promise<void> {
  const { options, output, signal } = run;
  const { fields, whole = false, author = false } = options;
  if (whole && fields !== undefined) throw new NotariumError('usage-invalid', '--whole or --fields, not both');
  const wish = {
    body: fields === undefined ? whole : (fieldsOf(fields) as readonly string[]),
    author,
    attachments: (options.attachment ?? []).map(indexOf),
  };
  if (!whole && fields === undefined && !author && wish.attachments.length === 0)
    throw new NotariumError('usage-invalid', 'say what to show: --fields a.b,c, --whole, --author or --attachment N');
  const waitSeconds = waitOf(options);
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id);
  const path = await newFile(run, `${short(message)}.disclosure.json`);
  const { parcel, seal } = await activities.message(id, message, { signal });
  const { head, body, attachments, signature } = parcel;
  const receipt = options.receipt ? await activities.receipt(id, message, { signal, waitSeconds }) : undefined;
  const disclosure = makeDisclosure({ head, body, attachments, signature, id: message }, seal, { ...wish, receipt });
  await writeFileWhole(path, disclosureText(disclosure));
  output.json({ ok: true, path, message });
  output.line(`${output.mark('passed')} ${path}`);
  output.note(`  Anyone can check it: notarium verify ${shellWord(options.out ?? basename(path))}`);
}

/** `notarium activity certificate`. */
export async function saveCertificate(run: Run<CertificateFlags>, text: string, version?: string): Promise<void> {
  const { options, output, signal, terminal } = run;
  // For the signatures, too: so also without the receipt.
  const waitSeconds = waitOf({ ...options, receipt: true });
  const startMs = performance.now();
  const { activities, nameOf, id } = await openActivity(run, text);
  const on = versionOf(await activities.get(id, { signal }), version);
  const path = resolve(terminal.cwd, options.out ?? `${short(on)}.certificate.json`);
  const receiptPath = `${path}.receipt.json`;
  const asked = { activity: id, version: on };
  const certificate = await awaitCertificate({ activities, nameOf }, asked, { waitSeconds, signal });
  await writeAgain(path, `${JSON.stringify(certificate, null, 2)}\n`);
  output.line(`${output.mark('passed')} ${path}, signed by ${certificate.signatures.length}`);
  const done = { ok: true, path, version: on, signatures: certificate.signatures.length };
  if (!options.receipt) return output.json(done);
  const leftSeconds = Math.max(0, waitSeconds - Math.floor((performance.now() - startMs) / 1000));
  const asking = { signal, waitSeconds: leftSeconds };
  const receipt = await activities.certificateReceipt(id, on, asking).catch((error: unknown) => {
    // The certificate is there, and the same command goes on.
    if (isNotariumError(error, 'record-not-anchored'))
      output.note(`  its receipt is pending: ${basename(receiptPath)}`);
    throw error;
  });
  await writeAgain(receiptPath, `${JSON.stringify(receipt, null, 2)}\n`);
  output.json({ ...done, receipt: receiptPath });
  output.line(`${output.mark('passed')} ${receiptPath}`);
  output.note(`  Anyone can check it: notarium verify ${shellWord(options.out ?? basename(path))}`);
}

/** Seconds that are waited for a receipt. @throws NotariumError `usage-invalid`. */
function waitOf({ receipt, wait }: ReceiptFlags): number {
  if (wait === undefined || wait === false) return 0;
  if (!receipt) throw new NotariumError('usage-invalid', '--wait or --no-receipt, not both');
  if (wait === true) return usualWaitSeconds;
  if (/^\d{1,6}$/.test(wait)) return Number(wait);
  throw new NotariumError('usage-invalid', `--wait takes seconds, not "${wait.slice(0, 40)}": give it last`);
}

/** Writes a file; where it is there already with this very text, that is as well. @throws NotariumError `file-exists`. */
async function writeAgain(path: string, text: string): Promise<void> {
  if (!(await exists(path))) return await writeFileWhole(path, text);
  const isSame = (await readFile(path, 'utf8').catch(() => undefined)) === text;
  if (!isSame) throw fileExists(path);
}

async function newFile({ options, terminal }: Run<{ out?: string }>, usual: string): Promise<string> {
  const path = resolve(terminal.cwd, options.out ?? usual);
  if (await exists(path)) throw fileExists(path);
  return path;
}

function fileExists(path: string): NotariumError {
  return new NotariumError('file-exists', path, { data: { path } });
}

/** The message that was named, or the only version that nothing has replaced. */
async function messageOf(
  { options, signal }: Run<{ message?: string }>,
  activities: Activities,
  id: Hash,
): Promise<Hash> {
  if (options.message === undefined) return onlyHead(await activities.get(id, { signal }));
  return idAmong(options.message, await Array.fromAsync(activities.messages(id, { signal })), 'message');
}

function indexOf(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new NotariumError('usage-invalid', `"${text.slice(0, 20)}" is no number of an attachment (0 is the first)`);
}
