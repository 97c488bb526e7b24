import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { Progress, sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { indexOf, messageOf, openActivity, short } from './ActivityRun.ts';
import { fileExists } from './newFile.ts';
import { nextCommand } from './nextCommand.ts';

/** Options of `notarium activity attachment`. */
export type AttachmentFlags = CentreFlags & { readonly out?: string; readonly message?: string };

/** `notarium activity attachment`. */
export async function saveAttachment(run: Run<AttachmentFlags>, text: string, place = '0'): Promise<void> {
  const { options, output, signal, terminal } = run;
  const index = indexOf(place);
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id, options.message);
  const { attachment, content } = await activities
    .attachment(id, { message, index }, { signal })
    .catch((error: unknown) => {
      const isOfAnother = options.message === undefined && isNotariumError(error, 'not-found');
      if (isOfAnother)
        output.note(`  Which messages have files: ${nextCommand(run, `activity messages ${short(id)}`)}`);
      if (isOfAnother) output.note('  One of another than the newest version: --message MESSAGE');
      throw error;
    });
  const path = resolve(terminal.cwd, options.out ?? nameFor(attachment.name));
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

/** Others have named it: it is to land in this folder, and under no name that hides it, or that a command takes for something else. */
function nameFor(given: string): string {
  const name = basename(given.replaceAll('\\', '/')).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
  return name.replace(/^[.\s-]+/, '').trimEnd() || 'attachment';
}
