import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import type { ResourceSetAnswer, ResourceSetPage, ResourceVersionAnswer } from '../../lib/client/governanceAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import {
  type GovernanceClient,
  openActing,
  openReading,
  withActing,
  withReading,
} from '../governance/GovernanceRun.ts';
import { counted, timeText } from '../governance/texts.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { table } from '../table.ts';

type CheckFlags = CentreFlags & { repair?: boolean };
type Own = NonNullable<ResourceSetAnswer['own']>;

/** `notarium resource`. */
export function addResource(program: Command, context: ProgramContext): void {
  const resource = program.command('resource').description('configurations that the consortium shares');
  withReading(resource.command('list').description('all resource sets, and how each stands here')).action(
    runs<CentreFlags, []>(context, list),
  );
  withReading(resource.command('show').description('a resource set and its versions, or the reports on one of them'))
    .argument('<set>', 'name of the set, or its id')
    .argument('[version]', 'a version')
    .action(runs<CentreFlags, [string, string | undefined]>(context, show));
  withActing(resource.command('check').description('make the centre look now at what is really there'))
    .argument('<set>', 'name of the set, or its id')
    .option('--repair', 'write what was passed again, where something else is there')
    .action(runs<CheckFlags, [string]>(context, check));
}

async function list(run: Run<CentreFlags>): Promise<void> {
  const { output, signal } = run;
  const { client } = await openReading(run);
  const sets = await client.resources.list({ signal });
  output.json({ ok: true, resources: sets });
  if (sets.length === 0) {
    output.note('There are no resource sets.');
    return;
  }
  const rows = sets.map((set) => [
    set.resourceSet ?? set.id,
    versionText(set.head),
    versionText(set.inForce),
    set.own ? `${set.own.version} ${set.own.state}` : '-',
    set.own ? checkText(set.own) : '',
  ]);
  output.line(...table([['resource set', 'newest', 'in force', 'here', 'last check'], ...rows], new Set([1, 2])));
}

async function show(run: Run<CentreFlags>, set: string, versionText: string | undefined): Promise<void> {
  const { output, signal } = run;
  const version = versionText === undefined ? undefined : Number(versionText);
  if (version !== undefined && !(Number.isSafeInteger(version) && version > 0)) {
    throw new NotariumError('usage-invalid', 'a version is a whole number from 1 on');
  }
  const { client, nameOf } = await openReading(run);
  if (version === undefined) {
    const page = await client.resources.get(set, { signal });
    output.json({ ok: true, resource: page });
    printSet(run, page);
    return;
  }
  const found = await client.resources.version(set, version, { signal });
  output.json({ ok: true, version: found });
  printVersion(run, found, nameOf);
}

function printSet({ output }: Run<CentreFlags>, page: ResourceSetPage): void {
  const { resourceSet, id, head, inForce, own, versions } = page;
  output.line(output.paint('strong', resourceSet ?? id));
  output.line(`  ${'id'.padEnd(11)} ${id}`);
  output.line(`  ${'newest'.padEnd(11)} ${versionText(head)}`, `  ${'in force'.padEnd(11)} ${versionText(inForce)}`);
  printOwn({ output }, own);
  const head_ = ['version', 'state', 'right', 'wrong', 'made from', 'since', 'configuration'];
  const rows = versions.items.map((each) => [
    ...[`${each.version}`, each.state, `${each.matching}`, `${each.differing}`, versionText(each.parent)],
    ...[timeText(each.addedAt), `sha-256:${each.configurationHash.slice(2)}`],
  ]);
  output.line('');
  for (const line of table([head_, ...rows], new Set([0, 2, 3, 4]))) output.line(`  ${line}`);
}

function printVersion(
  { output }: Run<CentreFlags>,
  found: ResourceVersionAnswer,
  nameOf: GovernanceClient['nameOf'],
): void {
  const { resourceSet, id, version, state, matching, differing, proposalId, configurationHash, own } = found;
  output.line(output.paint('strong', `${resourceSet ?? id}, version ${version}`));
  const lines: [string, string][] = [
    ['state', `${state}: ${counted(matching, 'report')} of right, ${differing} of something else`],
    ['proposal', proposalId],
    ['content', `sha-256:${configurationHash.slice(2)} (${found.uri})`],
    ['made from', versionText(found.parent)],
    ['since', timeText(found.addedAt)],
  ];
  for (const [name, value] of lines) output.line(`  ${name.padEnd(11)} ${value}`);
  printOwn({ output }, own);
  if (found.reports.length === 0) return;
  const rows = found.reports.map(({ reporter, matches, actualHash, time, recordId }) => [
    ...[nameOf(reporter), matches ? 'right' : 'something else', timeText(time)],
    ...[`sha-256:${actualHash.slice(2)}`, recordId],
  ]);
  output.line('');
  for (const line of table([['centre', 'found', 'when', 'what', 'record'], ...rows])) output.line(`  ${line}`);
}

async function check(run: Run<CheckFlags>, set: string): Promise<void> {
  const { output, signal, options } = run;
  const { client } = await openActing(run);
  const found = await client.resources.check(set, { repair: options.repair, signal });
  const { own } = found;
  const isRight = own?.check?.matches === true;
  const code = own?.check?.problem === undefined ? 'resource-drifted' : 'resource-failed';
  const exitCode = isRight ? 0 : exitCodeOf(code);
  output.json({ ok: isRight, exitCode, ...(isRight ? {} : { code }), resource: found });
  output.line(output.paint('strong', found.resourceSet ?? found.id));
  printOwn({ output }, own);
  output.line(`${output.mark(isRight ? 'passed' : 'failed')} ${isRight ? 'what was passed is there' : code}`);
  run.exit(exitCode);
}

function printOwn({ output }: Pick<Run<CentreFlags>, 'output'>, own: Own | undefined): void {
  if (!own) return;
  const { version, state, reason, fallback, check: look } = own;
  const back = fallback === undefined ? '' : `; to fall back to: ${versionText(fallback)}`;
  output.line(`  ${'here'.padEnd(11)} ${version} ${state}${reason === undefined ? '' : `: ${reason}`}${back}`);
  if (!look) return;
  output.line(`  ${'last check'.padEnd(11)} ${checkText(own)}`);
  for (const path of look.differences) output.line(`  ${''.padEnd(11)}   ${path || 'the whole'}`);
}

function checkText({ check: look }: Own): string {
  if (!look) return '-';
  if (look.matches) return `${look.time}: right`;
  if (look.problem !== undefined) return `${look.time}: ${look.problem}`;
  return `${look.time}: ${counted(look.differences.length, 'field')} differ`.replace(
    '1 field differ',
    '1 field differs',
  );
}

function versionText(version: number): string {
  return version === 0 ? 'none' : `${version}`;
}
