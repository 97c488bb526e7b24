/**
 * The long form of test/e2e/faults.test.ts: every fault that a consortium of four must survive, more often and for longer,
 * round after round. Ends with a table, and with exit code 1 when a record was lost or logged twice, or centres disagree.
 * Real processes and sockets on 127.0.0.1 only. See `npm run chaos -- --help`.
 */
import { Command, InvalidArgumentError } from 'commander';
import { type FaultReport, faultTable, startChaosNetwork } from '../test/support/chaos/ChaosNetwork.ts';
import { type Fault, faultsOf, reorganisationsOf } from '../test/support/chaos/faults.ts';
import { ensureBuilt } from './support/ensureBuilt.ts';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError('a number from 1 to 1000');
  return value;
};

const program = new Command('npm run chaos --')
  .description('Lets four centres suffer every fault under load, and checks after each that nothing was lost.')
  .argument('[names...]', 'only the faults whose names contain one of these texts')
  .option('--rounds <count>', 'how often all faults happen', count, 1)
  .option('--scale <count>', 'how hard each of them is; the tests have 1', count, 5)
  .parse();
const { rounds, scale } = program.opts<{ rounds: number; scale: number }>();
const isChosen = ({ name }: Fault): boolean =>
  program.args.length === 0 || program.args.some((text) => name.includes(text));
const groups = [
  { faults: faultsOf(scale).filter(isChosen), options: { periodSeconds: 2, recordsPerBatch: 20 } },
  {
    faults: reorganisationsOf(scale).filter(isChosen),
    options: { periodSeconds: 2, recordsPerBatch: 20, confirmations: 2 },
  },
].filter(({ faults }) => faults.length > 0);
if (groups.length === 0) program.error('no fault has such a name');

ensureBuilt(say);
const reports: FaultReport[] = [];
try {
  for (const { faults, options } of groups) {
    await using network = await startChaosNetwork(options);
    for (let round = 1; round <= rounds; round++) {
      for (const fault of faults) {
        say(`round ${round}: ${fault.name} …`);
        reports.push(await network.suffer(fault));
      }
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  say(`\n${faultTable(reports)}`);
}
