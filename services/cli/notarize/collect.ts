import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { NotariumError } from '../../core/errors.ts';
import { walkFiles } from '../../lib/walkFiles.ts';
import { isLeftOver } from '../../lib/writeFileWhole.ts';

/** One file to notarise, and where its evidence goes. */
export type Target = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Name in the log and below `--out`: relative to the folder above the argument, with `/`. */
  readonly name: string;
  readonly receiptPath: string;
  readonly acceptancePath: string;
};

/** What could not be taken. */
export type Failure = { readonly path: string; readonly error: NotariumError };

const evidence = /\.(receipt|acceptance)\.json$/;

/**
 * All files of the arguments; what cannot be taken is listed, not thrown. Evidence files of earlier runs are left out of
 * folders.
 * @throws NotariumError `usage-invalid` when two files would write the same receipt; the signal's reason.
 */
export async function collectTargets(
  paths: readonly string[],
  options: { cwd: string; out?: string | undefined; signal: AbortSignal },
): Promise<{ targets: Target[]; failures: Failure[] }> {
  const targets = new Map<string, Target>();
  const failures: Failure[] = [];
  const receipts = new Map<string, string>();
  for (const argument of paths) {
    const root = resolve(options.cwd, argument);
    for await (const found of walkFiles([root], { signal: options.signal })) {
      const path = resolve(found.path);
      if (found.error) {
        failures.push({ path, error: found.error });
        continue;
      }
      if (targets.has(path) || (path !== root && (evidence.test(path) || isLeftOver(path)))) continue;
      const name = path === root ? basename(path) : relative(dirname(root), path).split(sep).join('/');
      const base = options.out === undefined ? path : join(resolve(options.cwd, options.out), name);
      const receiptPath = `${base}.receipt.json`;
      const rival = receipts.get(receiptPath);
      if (rival !== undefined) {
        throw new NotariumError('usage-invalid', `${rival} and ${path} would both write ${receiptPath}`);
      }
      receipts.set(receiptPath, path);
      const acceptancePath = `${base}.acceptance.json`;
      targets.set(path, { path, sizeBytes: found.sizeBytes, name, receiptPath, acceptancePath });
    }
  }
  return { targets: [...targets.values()], failures };
}
