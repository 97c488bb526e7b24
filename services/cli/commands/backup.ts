import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import type { BackupReport } from '../CliActions.ts';
import { withChain, withData } from '../commandOptions.ts';
import { exists } from '../exists.ts';
import { sizeText } from '../Progress.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

/** `notarium export` and `notarium import`. */
export function addBackup(program: Command, context: ProgramContext): void {
  withChain(withData(program.command('export').description('write a backup of the data folder')))
    .argument('<file>', 'backup file; it must not exist')
    .action(
      runs<object, [string]>(context, async (run, file) => {
        const path = resolve(run.terminal.cwd, file);
        if (await exists(path)) throw new NotariumError('file-exists', path, { data: { path } });
        report(run, 'exported to', path, await run.actions.exportData(run, path));
      }),
    );
  withChain(withData(program.command('import').description('restore a backup into a data folder that is new or empty')))
    .argument('<file>', 'backup file')
    .action(
      runs<object, [string]>(context, async (run, file) => {
        const path = resolve(run.terminal.cwd, file);
        report(run, 'imported from', path, await run.actions.importData(run, path));
      }),
    );
}

function report(run: Run<object>, what: string, path: string, { files, sizeBytes, records }: BackupReport): void {
  run.output.json({ ok: true, path, files, sizeBytes, records });
  run.output.line(
    `${run.output.mark('passed')} ${records} records (${files} files, ${sizeText(sizeBytes)}) ${what} ${path}`,
  );
}
