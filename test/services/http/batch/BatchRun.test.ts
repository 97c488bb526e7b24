import { expect } from 'chai';
import fc from 'fast-check';
import type { IntakeResult } from '../../../../services/app/Centre.ts';
import type { RecordId } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { BatchRun, type LineResult, wholeFailure } from '../../../../services/http/batch/BatchRun.ts';
import type { Line } from '../../../../services/http/batch/LineSplitter.ts';

const linesOf = (count: number, from = 1): Line[] =>
  Array.from({ length: count }, (_, index) => ({ number: from + index, sizeBytes: 10, text: `line ${from + index}` }));
const logged = (text: string): IntakeResult => ({
  status: 'logged',
  id: `0x${text.slice(5)}` as RecordId,
  leafIndex: Number(text.slice(5)),
});
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((done) => setImmediate(done));
};

describe('http/batch/BatchRun', () => {
  it('answers each line once, in order, in bounded chunks, at most two under way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 12 }),
        async (pushes, delays, chunkLines) => {
          let underWay = 0;
          let calls = 0;
          const answered: LineResult[] = [];
          const run = new BatchRun({
            limits: { chunkLines, chunkBytes: 75 },
            async accept(texts) {
              expect(++underWay).to.be.at.most(2);
              expect(texts.length).to.be.within(1, Math.min(chunkLines, 7));
              await turns(delays[calls++ % delays.length]!);
              underWay--;
              return texts.map(logged);
            },
            async answer(results) {
              await turns(delays[results.length % delays.length]!);
              answered.push(...results);
            },
          });
          let from = 1;
          for (const count of pushes) {
            await run.push(linesOf(count, from));
            from += count;
          }
          await run.end();
          expect(answered.map(({ line }) => line)).to.deep.equal(linesOf(from - 1).map(({ number }) => number));
          for (const { line, result } of answered) expect(result).to.include({ leafIndex: line });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('hands over what has come while the intake is idle', async () => {
    const sizes: number[] = [];
    const run = new BatchRun({
      limits: { chunkLines: 100, chunkBytes: 10_000 },
      accept: async (texts) => {
        sizes.push(texts.length);
        return texts.map(logged);
      },
      answer: async () => {},
    });
    await run.push(linesOf(3));
    await turns(3);
    await run.push(linesOf(2, 4));
    await run.end();
    expect(sizes).to.deep.equal([3, 2]);
  });

  it('asks the centre for nothing more after a failure of the whole', async () => {
    let calls = 0;
    const answered: LineResult[] = [];
    const run = new BatchRun({
      limits: { chunkLines: 4, chunkBytes: 10_000 },
      accept: async (texts) => {
        calls++;
        return texts.map((text) =>
          calls === 1 ? logged(text) : { status: 'failed', error: new NotariumError('storage-full') },
        );
      },
      answer: async (results) => {
        answered.push(...results);
      },
    });
    await run.push(linesOf(100));
    await run.end();
    expect(answered).to.have.length(100);
    expect(calls).to.be.at.most(3);
    expect(wholeFailure(answered)).to.equal(undefined);
    expect(wholeFailure(answered.slice(4))?.code).to.equal('storage-full');
  });

  it('ends with what the answer fails with, after all that was handed over', async () => {
    let underWay = 0;
    const run = new BatchRun({
      limits: { chunkLines: 2, chunkBytes: 10_000 },
      accept: async (texts) => {
        underWay++;
        await turns(5);
        underWay--;
        return texts.map(logged);
      },
      answer: async () => {
        throw new RangeError('gone');
      },
    });
    const failed = await run
      .push(linesOf(50))
      .then(() => run.end())
      .catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(RangeError);
    await run.settle();
    expect(underWay).to.equal(0);
  });
});
