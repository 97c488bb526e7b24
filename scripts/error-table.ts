/** Writes docs/errors.md from the table of errors and that of exit codes; `--check` only compares. */
import { exitCodeOf, exitTable } from '../services/cli/exitCodes.ts';
import { type ErrorCode, errorTable } from '../services/core/errors.ts';
import { syncFile } from './sync-file.ts';

/** Text of docs/errors.md. */
export function errorsPage(): string {
  return `${[
    '# Errors',
    '',
    '<!-- Made by scripts/error-table.ts from services/core/errors.ts and services/cli/exitCodes.ts: do not edit. -->',
    '',
    'Every error has a stable code, which is never renamed and never given another meaning. Programs should look at the code',
    'alone; titles and details are for people and may change.',
    '',
    'Over HTTP an error is a problem document (RFC 9457, `application/problem+json`):',
    '',
    '```json',
    JSON.stringify(example, null, 2),
    '```',
    '',
    '`retry` says whether the same request may succeed later; then the answer has a `Retry-After` header, and in the answer to',
    'a batch, where one line has no header, `data.retryAfterSeconds`. `data` is particular to the code: for sizes and values it',
    'holds `have` and `want`. `requestId` is also in the header `X-Request-Id` and in the log of the centre.',
    '',
    '## Codes',
    '',
    '| Code | Meaning | HTTP status | Retry | Exit code of the command line |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(errorTable).map(
      ([code, { status, title, retry }]) =>
        `| <a id="${code}"></a>\`${code}\` | ${title} | ${status} | ${retry ? 'yes' : 'no'} | ${exitCodeOf(code as ErrorCode)} |`,
    ),
    '',
    '## Exit codes',
    '',
    '| Exit code | Meaning | Codes |',
    '| --- | --- | --- |',
    ...exitTable.map(({ exit, meaning }) => `| ${exit} | ${meaning} | ${codesOf(exit)} |`),
  ].join('\n')}\n`;
}

const example = {
  type: 'https://notarium.invalid/errors#record-successor-taken',
  title: errorTable['record-successor-taken'].title,
  status: errorTable['record-successor-taken'].status,
  code: 'record-successor-taken',
  detail: errorTable['record-successor-taken'].title,
  retry: false,
  data: { winner: '0x…' },
  requestId: '6f1c2f5e-0d8c-4f0e-9a53-6d2f1f1f6f3e',
};

function codesOf(exit: number): string {
  const codes = (Object.keys(errorTable) as ErrorCode[]).filter((code) => exitCodeOf(code) === exit);
  return codes.map((code) => `[\`${code}\`](#${code})`).join(', ');
}

if (import.meta.main) {
  await syncFile({ path: 'docs/errors.md', text: errorsPage(), script: 'scripts/error-table.ts' });
}
