import type { Bench } from './support/Bench.ts';
import type { Row } from './support/Row.ts';
import { runThread } from './support/runThread.ts';
import type { VerifyAnswer, VerifyTask } from './support/verifyThread.ts';

/** Offline verification of receipts from many blocks on one thread. */
export async function verify(bench: Bench): Promise<Row[]> {
  const { recover } = await bench.limits();
  const centre = await bench.centre();
  await centre.growTo(Math.max(centre.size, 100_000));
  const { file } = await bench.receipts();
  const view = (await (await fetch(`${centre.url}/v1/network`)).json()) as Pick<VerifyTask, 'committees'>;
  const task: VerifyTask = { file, network: centre.net.network, committees: view.committees };
  const answer = await runThread<VerifyAnswer>(new URL('./support/verifyThread.ts', import.meta.url), task);
  const { withParsing, withoutParsing, blocks, receipts, cryptoName } = answer;
  const beside = { name: '/s one signature alone', value: recover };
  return [
    {
      figure: 'receipts verified offline, one core',
      value: withParsing,
      unit: '/s',
      target: { atLeast: 4_000 },
      beside,
      note: `text to verdict, ${receipts} random receipts of ${blocks} blocks, ${cryptoName}`,
    },
    { figure: 'the same without parsing the text', value: withoutParsing, unit: '/s', beside },
  ];
}
