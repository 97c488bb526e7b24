import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import { nextStep } from '../../services/cli/nextSteps.ts';
import { printable } from '../../services/cli/printable.ts';
import { isNotariumError } from '../../services/core/errors.ts';
import { type GovernanceNetwork, openGovernanceNetwork, type ScriptEnv } from './governanceNetwork.ts';

/** Prints a line, in which text of others cannot steer the terminal. */
export type Say = (line: string) => void;

/**
 * Runs a script of proposals when it is the one that `hardhat run` was called with; an error is told by its code, which sets the
 * exit code as in the command line `notarium`.
 * @param moduleUrl `import.meta.url` of the script: Hardhat imports it, so import.meta.main is false there.
 */
export async function runScript(
  moduleUrl: string,
  script: (network: GovernanceNetwork, env: ScriptEnv, say: Say) => Promise<void>,
): Promise<void> {
  if (!process.argv.some((argument) => resolve(argument) === fileURLToPath(moduleUrl))) return;
  try {
    const network = await openGovernanceNetwork(process.env);
    try {
      await script(network, process.env, (line) => console.log(printable(line)));
    } finally {
      network.close();
    }
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    const next = nextStep(error.code);
    console.error(`✘ ${error.code}: ${printable(error.message)}${next ? `\n  ${next}` : ''}`);
    process.exitCode = exitCodeOf(error.code);
  }
}
