/**
 * Whether a client asks for answers without what it can get later: `Prefer: return=minimal` (RFC 7240 section 4.2). Of several
 * `return` preferences the first counts (section 2); what is not understood is no preference.
 */
export function prefersMinimal(header: string | string[] | undefined): boolean {
  const preferences = [header ?? []].flat().join(',').split(',');
  for (const preference of preferences) {
    const found = /^\s*return\s*=\s*(?:"([^"]*)"|([^\s";]*))\s*(?:;.*)?$/i.exec(preference);
    if (found) return (found[1] ?? found[2])!.toLowerCase() === 'minimal';
  }
  return false;
}
