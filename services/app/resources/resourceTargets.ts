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
    const byDefault = target.kind === 'file' ? await ownersByDefault(target.path, dataDir) : [];
    const other = owners.get(key) ?? byDefault.find((name) => !targets.has(name));
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

/** The sets that a file is for where no settings name them: by its own name, and by that of what a link leads to. */
async function ownersByDefault(path: string, dataDir: string): Promise<string[]> {
  const real = await realFile(path);
  const owners: string[] = [];
  for (const owner of new Set([path, real].map((each) => basename(each, '.json')))) {
    if (!resourceSetSchema.safeParse(owner).success) continue;
    if (real === (await realFile(defaultFile(dataDir, owner)))) owners.push(owner);
  }
  return owners;
}

/** Where links lead to; neither the file nor its folders need be there yet. */
async function realFile(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(await realFile(folder), basename(path));
  }
}
