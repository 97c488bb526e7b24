import { expect } from 'chai';
import fc from 'fast-check';
import { concat } from '../../../services/core/bytes.ts';
import { encodeFrame, type Frame, FrameFault, readFrames } from '../../../services/net/frames.ts';

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const size = sizes[index % sizes.length]!;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

async function read(chunks: AsyncIterable<Uint8Array>, limit = 1000): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(chunks, limit)) frames.push(frame);
  return frames;
}

async function faultOf(chunks: AsyncIterable<Uint8Array>, limit?: number): Promise<string> {
  try {
    await read(chunks, limit);
  } catch (error) {
    if (error instanceof FrameFault) return error.reason;
    throw error;
  }
  return 'none';
}

describe('net/frames', () => {
  it('reads what was written, however it is cut', async () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(payloads, sizes, async (sent, cuts) => {
        const bytes = concat(...sent.map((payload) => encodeFrame('data', payload)), encodeFrame('end'));
        const frames = await read(pieces(bytes, cuts));
        expect(frames.map(({ kind }) => kind)).to.deep.equal([...sent.map(() => 'data'), 'end']);
        expect(frames.slice(0, -1).map(({ payload }) => [...payload])).to.deep.equal(sent.map((each) => [...each]));
      }),
    );
  });

  it('refuses a size that is too large by its header alone', async () => {
    async function* header(kind: number, size: number): AsyncGenerator<Uint8Array> {
      const bytes = new Uint8Array(5);
      bytes[0] = kind;
      new DataView(bytes.buffer).setUint32(1, size);
      yield bytes;
      throw new Error('the payload was asked for');
    }
    expect(await faultOf(header(1, 1001))).to.equal('frame-too-large');
    expect(await faultOf(header(1, 2 ** 32 - 1))).to.equal('frame-too-large');
    expect(await faultOf(header(0, 5))).to.equal('frame-too-large');
    expect(await faultOf(header(2, 1))).to.equal('frame-too-large');
    expect(await faultOf(header(3, 16 * 1024 + 1))).to.equal('frame-too-large');
    expect(await faultOf(header(4, 0))).to.equal('frame-malformed');
  });

  it('ends without a fault, and without an end, where the stream is cut', async () => {
    const bytes = concat(encodeFrame('data', Uint8Array.of(1)), encodeFrame('data', Uint8Array.of(2, 3)));
    const frames = await read(pieces(bytes.subarray(0, -1), [7]));
    expect(frames.map(({ kind, payload }) => [kind, ...payload])).to.deep.equal([['data', 1]]);
  });

  it('reads nothing after the end', async () => {
    const bytes = concat(encodeFrame('end'), Uint8Array.of(99));
    expect((await read(pieces(bytes, [100]))).map(({ kind }) => kind)).to.deep.equal(['end']);
  });
});
