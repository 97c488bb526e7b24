import type { Command } from 'commander';
import type { ApiKeyScope } from '../../app/Centre.ts';
import { NotariumError } from '../../core/errors.ts';
import { createdKeyAnswerSchema, keyListAnswerSchema } from '../../lib/client/answers.ts';
import { onceOnly } from '../../lib/client/backOff.ts';
import { CentreHttp } from '../../lib/client/CentreHttp.ts';
import { withChain, withData } from '../commandOptions.ts';
import { operatorKey } from '../operatorKey.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

type Flags = { url?: string };
type CreateFlags = Flags & { scope?: string };
const allScopes: readonly ApiKeyScope[] = ['submit', 'read', 'admin'];

/** `notarium keys`. */
export function addKeys(program: Command, context: ProgramContext): void {
  const keys = program.command('keys').description('API keys of a centre: in its data folder, or (--url) over HTTP');
  const add = (name: string, description: string): Command =>
    withChain(withData(keys.command(name).description(description)))
      .option('--url <url>', 'running centre to ask, instead of the data folder')
      .option('--api-key <key>', 'API key of scope admin, with --url (default: admin-key in the data folder)');
  add('create', 'create a key; its secret is shown this once')
    .argument('<name>', 'whom it is for')
    .option('--scope <scopes>', 'submit, read and admin, with commas between them (default: submit,read)')
    .action(runs<CreateFlags, [string]>(context, create));
  add('list', 'list all keys').action(runs<Flags, []>(context, list));
  add('revoke', 'revoke a key').argument('<id>').action(runs<Flags, [string]>(context, revoke));
}

/**
 * The running centre, when the command line names one: a data folder in use is locked. Without an API key, the operator's
 * own in the data folder.
 */
async function remote({ options, settings }: Run<Flags>): Promise<CentreHttp | undefined> {
  const { url } = options;
  if (url === undefined) return undefined;
  return new CentreHttp({ url, apiKey: settings.apiKey ?? (await operatorKey(settings.data)) });
}

async function create(run: Run<CreateFlags>, name: string): Promise<void> {
  const asked = (run.options.scope ?? 'submit,read').split(',').map((text) => text.trim());
  const scopes = allScopes.filter((scope) => asked.includes(scope));
  if (scopes.length !== new Set(asked).size)
    throw new NotariumError('usage-invalid', `--scope is one of ${allScopes.join(', ')}`);
  const http = await remote(run);
  const { key, secret } = http
    ? await http.json(
        // No second try: it would make a second key.
        {
          method: 'POST',
          path: '/v1/keys',
          body: JSON.stringify({ name, scopes }),
          signal: run.signal,
          backOff: onceOnly,
        },
        createdKeyAnswerSchema,
      )
    : await run.actions.keys.create(run, name, scopes);
  run.output.json({ ok: true, key, secret });
  run.output.line(`key     ${key.id} (${key.name}; ${key.scopes.join(', ')})`);
  run.output.line(`secret  ${secret}`);
  run.output.note('The secret is shown this once.');
}

async function list(run: Run<Flags>): Promise<void> {
  const http = await remote(run);
  const keys = http
    ? (await http.json({ path: '/v1/keys', signal: run.signal }, keyListAnswerSchema)).items
    : await run.actions.keys.list(run);
  run.output.json({ ok: true, keys });
  for (const { id, name, scopes, createdAt, revokedAt } of keys) {
    run.output.line(
      `${id}  ${scopes.join(',').padEnd(18)} ${createdAt}  ${revokedAt ? `revoked ${revokedAt}  ` : ''}${name}`,
    );
  }
  if (keys.length === 0) run.output.note('There are no keys.');
}

async function revoke(run: Run<Flags>, id: string): Promise<void> {
  const http = await remote(run);
  if (http) await http.send({ method: 'DELETE', path: `/v1/keys/${encodeURIComponent(id)}`, signal: run.signal });
  else if (!(await run.actions.keys.revoke(run, id)))
    throw new NotariumError('not-found', `key ${id}`, { data: { id } });
  run.output.json({ ok: true, id });
  run.output.line(`${run.output.mark('passed')} key ${id} does not work any more`);
}
