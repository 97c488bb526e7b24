/** Writes docs/openapi.json, the document that a centre serves at /openapi.json; `--check` only compares. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../services/http/openApi.ts';
import { syncFile } from './sync-file.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Text of docs/openapi.json. */
export async function openApiText(): Promise<string> {
  const { version } = JSON.parse(await readFile(`${root}services/package.json`, 'utf8')) as { version: string };
  return `${JSON.stringify(openApiDocument({ version }), null, 2)}\n`;
}

if (import.meta.main) {
  await syncFile({ path: 'docs/openapi.json', text: await openApiText(), script: 'scripts/openapi.ts' });
}
