/**
 * URL text of a module beside the calling one, for starting a thread or a process with it: `.ts` in the source tree,
 * `.js` in the built package.
 */
export function moduleFile(importMetaUrl: string, relativePath: string): string {
  const ending = importMetaUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`${relativePath}${ending}`, importMetaUrl).href;
}
