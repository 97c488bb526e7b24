import type { Address } from '../../services/core/bytes.ts';
import type { RunningChain } from './startChain.ts';

/** A centre that is to run, and its chain. */
export type CentrePlace = {
  /** That of its data folder, like `centre-1`. */
  readonly name: string;
  readonly dataDir: string;
  readonly port: number;
  readonly rpcUrl: string;
  readonly contract: Address;
  /** `EvidenceChannels`, where it is known. */
  readonly channels?: Address | undefined;
  /** Its process, where it runs. */
  readonly pid?: number | undefined;
};

/** What to do next, in lines that can be pasted. */
export function nextStepsOf(places: readonly CentrePlace[], chain?: RunningChain): string {
  const first = places[0]!;
  const { rpcUrl, contract, channels } = first;
  const url = centreUrl(first.port);
  const isAlone = places.length === 1;
  const keep = chain?.kind === 'anvil' ? 'kept over a restart' : chain ? 'gone when you stop it' : 'your own';
  const rows = isAlone
    ? [['HTTP API', `${url}      reference: ${url}/docs`]]
    : [
        ...places.map(({ name, port, pid }) => [name, `${centreUrl(port)}      (process ${pid})`]),
        ['reference', `${url}/docs`],
      ];
  rows.push(['chain', `${rpcUrl}      (${keep})`], ['contract', contract]);
  if (channels !== undefined) rows.push(['channels', `${channels}      (evidence channels: see the README)`]);
  rows.push(['data', isAlone ? first.dataDir : `${first.dataDir} … ${places.at(-1)!.name}`]);
  const where = first.port === 8080 ? '' : ` --url ${url}`;
  const lines = [
    '',
    `Notarium is running${isAlone ? '' : `, with ${places.length} centres`}.`,
    '',
    ...rows.map(([what = '', value = '']) => `  ${what.padEnd(12)} ${value}`),
    '',
    'Try it, in another terminal:',
    '',
    `  npx notarium notarize README.md --wait --force${where}`,
    ...(isAlone ? [] : [`  npx notarium status${where}`]),
    `  npx notarium verify README.md README.md.receipt.json --rpc ${rpcUrl}`,
    '',
    'Ctrl-C stops everything.',
  ];
  return lines.join('\n');
}

/** Where a centre of this machine answers. */
export function centreUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
