import type { Command } from 'commander';
import { withChain, withData } from '../commandOptions.ts';
import { type ProgramContext, runs } from '../Run.ts';

type Flags = { allowMissing?: boolean };

/** `notarium rebuild`. */
export function addRebuild(program: Command, context: ProgramContext): void {
  const command = program.command('rebuild').description('restore the database from the log tiles and the chain');
  withChain(withData(command))
    .option('--allow-missing', 'restore what is there, though the log lacks entries of blocks that the chain has')
    .action(
      runs<Flags, []>(context, async (run) => {
        const report = await run.actions.rebuild(run, { allowMissing: run.options.allowMissing ?? false });
        run.output.json({ ok: true, ...report });
        run.output.line(`${run.output.mark('passed')} ${report.blocks} blocks, ${report.records} records restored`);
        for (const note of report.notes ?? []) run.output.line(`  ${note}`);
      }),
    );
}
