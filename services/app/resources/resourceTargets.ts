import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NotariumError } from '../../core/errors.ts';
import { resourceSetSchema } from '../../core/governance/proposalContent.ts';

/** What a resource set is kept in, where that holds one set only; a command is told which set is meant. */
export type ResourceTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string };

const places = { file: 'one file', http: 'one URL' } as const;

/** The file of a set that no settings name. */
export function defaultFile(dataDir: string, resourceSet: string): string {
  return join(dataDir, 'resources', `${resourceSet}.json`);
}

/**
 * Refuses two sets in one file or at one URL: each would undo what the other writes, for ever.
 * @param targets By the name of the set.
 * @throws NotariumError `config-invalid` with data { source, field, other }; the last two are the names of the sets.
 */
export async function checkTargets(
  targets: ReadonlyMap<string, ResourceTarget>,
  { path: source, dataDir }: { readonly path: string; readonly dataDir: string },
): Promise<void> {
  const owners = new Map<string, string>();
  for (const [field, target] of targets) {
    const key = await keyOf(target);
    const unnamed = target.kind === 'file' ? await ownerByDefault(target.path, dataDir) : undefined;
    const other = owners.get(key) ?? (unnamed !== undefined && !targets.has(unnamed) ? unnamed : undefined);
    if (other !== undefined) {
      const detail = `${source}: ${other} and ${field} are kept in ${places[target.kind]}`;
      throw new NotariumError('config-invalid', detail, { data: { source, field, other } });
    }
    owners.set(key, field);
  }
}

async function keyOf(target: ResourceTarget): Promise<string> {
  switch (target.kind) {
    case 'file':
      return `file ${await realFile(target.path)}`;
    case 'http': {
      const url = new URL(target.url);
      // Not sent.
      url.hash = '';
      return `http ${url.href}`;
    }
  }
}

/** The set that a file is for where no settings name that set. */
async function ownerByDefault(path: string, dataDir: string): Promise<string | undefined> {
  const owner = basename(path, '.json');
  if (!resourceSetSchema.safeParse(owner).success) return undefined;
  return (await realFile(path)) === (await realFile(defaultFile(dataDir, owner))) ? owner : undefined;
}

/** Where links lead to; the file need not be there yet. */
async function realFile(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const folder = dirname(path);
    return join(await realpath(folder).catch(() => folder), basename(path));
  }
}
