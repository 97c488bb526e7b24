import { resolve } from 'node:path';
import { maxManifestBytes, readManifest } from '../../core/admission/manifest.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { openActing } from '../governance/GovernanceRun.ts';
import type { Run } from '../Run.ts';

/** Options of `notarium admission manifest`. */
export type ManifestFlags = CentreFlags & { make?: boolean; agreement?: string; out?: string };

/** `notarium admission manifest`. */
export async function manifest(run: Run<ManifestFlags>): Promise<void> {
  const { options, output, terminal } = run;
  if (options.agreement !== undefined && !options.make) {
    throw new NotariumError('usage-invalid', '--agreement is for a manifest that is made: give --make too');
  }
  const { client } = await openActing(run);
  const { hash, text } = await manifestOf(run, client);
  const out = options.out === undefined ? undefined : resolve(terminal.cwd, options.out);
  if (out !== undefined) await writeFileWhole(out, text);
  output.json({ ok: true, hash, ...(out === undefined ? { manifest: JSON.parse(text) as unknown } : { out }) });
  if (out === undefined) output.line(text);
  else output.line(`${output.mark('passed')} ${out}`);
  output.note(`hash: ${hash}`);
  if (options.make) {
    output.note('It counts when a proposal of kind parameter has set this hash among the rules for candidates.');
  }
}

async function manifestOf(run: Run<ManifestFlags>, { admissions }: Notarium): Promise<{ hash: string; text: string }> {
  const { options, signal, terminal } = run;
  if (!options.make) {
    const { hash, manifest: checked } = await admissions.manifest({ signal });
    return { hash, text: canonicalText(checked) };
  }
  const agreement =
    options.agreement === undefined
      ? undefined
      : (await readSmallFile(resolve(terminal.cwd, options.agreement), { maxBytes: maxManifestBytes })).toString();
  const made = await admissions.makeManifest(agreement, { signal });
  // The file is what will be proved to be held: its bytes and the hash belong together.
  const checked = readManifest(canonicalText(made.manifest));
  if (checked.hash !== made.hash) throw new NotariumError('server-answer-invalid', 'the manifest has another hash');
  return { hash: made.hash, text: canonicalText(checked.manifest) };
}
