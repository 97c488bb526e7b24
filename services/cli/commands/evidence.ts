import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { fromHex, type Hash, isHex } from '../../core/bytes.ts';
import type { EvidenceKind } from '../../core/channels/upload.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { EvidenceHash } from '../../lib/EvidenceHash.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import type { EvidenceFile } from '../CliActions.ts';
import { type ChannelFlags, pickChannel } from '../channels/pickChannel.ts';
import { requesterKey } from '../channels/requesterKey.ts';
import { withData } from '../commandOptions.ts';
import { exists } from '../exists.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { Progress, sizeText } from '../Progress.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

type Flags = { readonly contentKeyFile?: string; readonly output?: string };
type GetFlags = Flags & ChannelFlags & { readonly verifier?: string | true };

/** `notarium evidence get` and `notarium evidence check`. */
export function addEvidence(program: Command, context: ProgramContext): void {
  const evidence = program.command('evidence').description('read and check the evidence store of a verifier');
  withRequester(withStore(evidence.command('get').description('get evidence by its digest, hashed anew on the way')))
    .argument('<digest>', 'SHA-256 of a content, or the root of a pack or list')
    .option('-o, --output <file>', 'where to write it (default: the digest)')
    .action(runs<GetFlags, [string]>(context, get));
  withStore(evidence.command('check').description('hash stored evidence anew: some, or all of it'))
    .argument('[digests...]', 'which; all by default')
    .action(runs<Flags, [string[]]>(context, check));
}

function withStore(command: Command): Command {
  return withData(command)
    .option('--evidence-url <url>', 'bucket of the evidence: s3://bucket/prefix?endpoint=…&region=…')
    .option('--content-key-file <file>', 'key of encrypted content: 32 bytes in hexadecimal');
}

function withRequester(command: Command): Command {
  return command
    .option('--verifier [url]', 'from a verifier, as the requester of a channel (default: where the channel says)')
    .option('--channel <id>', 'the channel that has paid for it, or how its id begins (default: the only one)')
    .option('--keystore <dir>', 'keystore folder of the key of the channel (default: your own key)')
    .option('--password-file <file>', 'file with the password of the keystore')
    .option('--key <file>', 'file with a private key in hexadecimal (the key itself only for development keys)');
}

async function openSource(run: Run<GetFlags>, digest: Hash, key: Uint8Array | undefined) {
  const { verifier, channel } = run.options;
  if (verifier === undefined) {
    if (channel !== undefined) throw new NotariumError('usage-invalid', '--channel goes with --verifier');
    return await (await run.actions.readEvidence(run)).open(digest, key);
  }
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  const url = verifier === true ? undefined : verifier;
  return await run.actions.channels.content(run, { channelId, privateKey, url, digest, contentKey: key });
}

async function get(run: Run<GetFlags>, text: string): Promise<void> {
  const { output, options, terminal, signal } = run;
  const digest = digestOf(text);
  const key = await contentKey(run);
  const path = resolve(terminal.cwd, options.output ?? digest.slice(2));
  if (await exists(path)) throw new NotariumError('file-exists', path, { data: { path } });
  const found = await openSource(run, digest, key);
  if (!found) throw new NotariumError('evidence-not-found', digest, { data: { digest } });
  const bar = new Progress(output, 'reading', found.sizeBytes, sizeText);
  const hash = new EvidenceHash(found.sizeBytes);
  let kind: EvidenceKind;
  const part = `${path}.part`;
  try {
    await pipeline(found.content, hashed(hash, bar), createWriteStream(part, { flags: 'wx', flush: true }), { signal });
    kind = hash.kindOf(digest);
    await rename(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(part, { force: true });
    throw error;
  } finally {
    bar.stop();
  }
  output.json({ ok: true, digest, kind, sizeBytes: found.sizeBytes, path });
  output.line(`${output.mark('passed')} ${kind} ${digest}`, `    ${sizeText(found.sizeBytes)} in ${path}`);
}

function hashed(
  hash: EvidenceHash,
  bar: Progress,
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, void> {
  return async function* (source) {
    for await (const chunk of source) {
      hash.update(chunk);
      bar.advance(chunk.length);
      yield chunk;
    }
  };
}

async function check(run: Run<Flags>, texts: readonly string[]): Promise<void> {
  const { output, signal } = run;
  const digests = texts.map(digestOf);
  const key = await contentKey(run);
  const reader = await run.actions.readEvidence(run);
  const counts = { intact: 0, stored: 0, corrupt: 0, sizeBytes: 0 };
  const missing = new Set(digests.map((digest) => digest.slice(2)));
  const damaged: EvidenceFile[] = [];
  for await (const file of reader.list(digests)) {
    signal.throwIfAborted();
    missing.delete(file.digest);
    try {
      const { found, sizeBytes } = await reader.check(file, key);
      counts[found]++;
      counts.sizeBytes += sizeBytes;
      if (texts.length > 0) output.line(`${output.mark('passed')} ${found} ${file.name}`);
    } catch (error) {
      if (!isNotariumError(error, 'evidence-corrupt')) throw error;
      counts.corrupt++;
      damaged.push(file);
      output.line(`${output.mark('failed')} ${error.code} ${error.detail}`);
    }
  }
  for (const digest of missing) output.line(`${output.mark('failed')} evidence-not-found 0x${digest}`);
  const code = damaged.length > 0 ? 'evidence-corrupt' : missing.size > 0 ? 'evidence-not-found' : undefined;
  const exitCode = code === undefined ? 0 : exitCodeOf(code);
  output.json({
    ok: code === undefined,
    exitCode,
    ...(code === undefined ? {} : { code }),
    ...counts,
    damaged: damaged.map(({ name }) => name),
    missing: [...missing].map((digest) => `0x${digest}`),
  });
  const total = counts.intact + counts.stored;
  output.line(
    `${total} of ${total + counts.corrupt + missing.size} files are what they were (${sizeText(counts.sizeBytes)})`,
  );
  if (counts.stored > 0) output.line(`  ${counts.stored} encrypted: only their own checksum was checked`);
  run.exit(exitCode);
}

function digestOf(text: string): Hash {
  const digest = text.toLowerCase().replace(/^(?:sha-256:|0x)?/, '0x');
  if (!isHex(digest, 32)) throw new NotariumError('usage-invalid', `${text.slice(0, 80)} is no digest of 32 bytes`);
  return digest;
}

async function contentKey({ options, terminal }: Run<Flags>): Promise<Uint8Array | undefined> {
  if (options.contentKeyFile === undefined) return undefined;
  const path = resolve(terminal.cwd, options.contentKeyFile);
  const text = (await readSmallFile(path, { maxBytes: 1024, tooLarge: 'key-missing', pipes: true })).toString().trim();
  const key = text.toLowerCase().replace(/^(?:0x)?/, '0x');
  if (!isHex(key, 32)) throw new NotariumError('key-missing', `${path} is not 64 hexadecimal digits`);
  return fromHex(key);
}
