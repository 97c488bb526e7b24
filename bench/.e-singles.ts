import { runChild } from './support/runChild.ts';
import { VerifierBench } from './support/VerifierBench.ts';

const bench = await VerifierBench.start();
try {
  const { place } = bench;
  const answer: any = await runChild(new URL('./support/requesterChild.ts', import.meta.url), {
    place,
    kind: 'content',
    runs: Number(process.argv[2] ?? 3),
    items: 3000,
    contentsPerItem: 1,
    atOnce: 128,
  } as never);
  for (const run of answer.runs)
    console.log(
      (run.contents / run.seconds).toFixed(0),
      '/s requester ms',
      ((1000 * run.requesterCpuSeconds) / run.contents).toFixed(2),
      'verifier ms',
      ((1000 * run.verifierCpuSeconds) / run.contents).toFixed(2),
      'load',
      run.load,
    );
} finally {
  await bench.close();
}
