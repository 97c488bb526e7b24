import type { Address } from '../../services/core/bytes.ts';
import type { RunningChain } from './startChain.ts';

/** A centre that runs, and its chain. */
export type CentreProcess = {
  readonly dataDir: string;
  readonly port: number;
  readonly rpcUrl: string;
  readonly contract: Address;
};

/** What to do next, in lines that can be pasted. */
export function nextStepsOf({ dataDir, port, rpcUrl, contract }: CentreProcess, chain?: RunningChain): string {
  const keep = chain?.kind === 'anvil' ? 'kept over a restart' : chain ? 'gone when you stop it' : 'your own';
  return `
Notarium is running.

  HTTP API     http://127.0.0.1:${port}      reference: http://127.0.0.1:${port}/docs
  chain        ${rpcUrl}      (${keep})
  contract     ${contract}
  data         ${dataDir}

Try it, in another terminal:

  npx notarium notarize README.md --wait${port === 8080 ? '' : ` --url http://127.0.0.1:${port}`}
  npx notarium verify README.md README.md.receipt.json --rpc ${rpcUrl}

Ctrl-C stops everything.`;
}
