import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { withChain, withData } from '../commandOptions.ts';
import type { Check } from '../doctor/Check.ts';
import { checkCentre } from '../doctor/centreCheck.ts';
import { checkChain } from '../doctor/chainChecks.ts';
import { checkCrypto, checkData, checkMachine, checkPort } from '../doctor/machineChecks.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { defaultUrl } from '../openClient.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

/** `notarium doctor`. */
export function addDoctor(program: Command, context: ProgramContext): void {
  withChain(
    withData(
      program
        .command('doctor')
        .description('check machine, disk, port, chain, contract and clock, and say what to mend'),
    ),
  )
    .option('--url <url>', 'centre to ask')
    .option('--host <host>', 'address that a centre would listen on')
    .option('--port <port>', 'port that a centre would listen on')
    .option('--api-key <key>', 'API key, where the centre asks for one')
    .action(runs<object, []>(context, doctor));
}

const marks = { ok: 'passed', warn: 'skipped', fail: 'failed', skipped: 'skipped' } as const;

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

async function doctor(run: Run<object>): Promise<void> {
  const { settings, signal, output } = run;
  const { url, apiKey, rpcUrl, contract, host = '127.0.0.1', port = 8080 } = settings;
  const centre = await checkCentre(url ?? defaultUrl, apiKey, url !== undefined, signal);
  const checks: Check[] = [
    ...checkMachine(),
    await checkCrypto(),
    ...(await checkData(settings.data)),
    await checkPort(host, port, centre.data?.answered === true && portOf(url ?? defaultUrl) === port),
    ...(await checkChain(rpcUrl, contract, signal)),
    centre,
  ];
  const failed = checks.filter(({ status }) => status === 'fail');
  const exitCode = failed.length === 0 ? 0 : exitCodeOf('check-failed');
  output.json({ ok: failed.length === 0, exitCode, checks });
  for (const { name, status, detail, mend } of checks) {
    output.line(`${output.mark(marks[status])} ${name.padEnd(12)} ${status === 'warn' ? 'warning: ' : ''}${detail}`);
    if (mend) output.line(`    ${mend}`);
  }
  if (failed.length > 0 && !output.options.json) {
    run.fail(new NotariumError('check-failed', failed.map(({ name }) => name).join(', ')));
  } else {
    run.exit(exitCode);
  }
}
