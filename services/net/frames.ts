import { concat } from '../core/bytes.ts';

/**
 * Frames on a request stream: one byte of kind, four of size (big endian), the payload.
 *
 *     caller:  open(timeout in ms, 4 bytes)  data*  end
 *     peer:    data*  (end | error(JSON))
 *
 * A stream that ends without `end` or `error` was cut.
 */
export const frameKinds = { open: 0, data: 1, end: 2, error: 3 } as const;

/** One frame as it was read. */
export type Frame = { readonly kind: keyof typeof frameKinds; readonly payload: Uint8Array };

/** Bytes of an error frame at most. */
export const errorFrameBytes = 16 * 1024;

const headerBytes = 5;
const kindNames = Object.fromEntries(Object.entries(frameKinds).map(([name, code]) => [code, name])) as {
  [code: number]: Frame['kind'] | undefined;
};

/** What a peer sent is no frame, or a larger one than it may send. */
export class FrameFault extends Error {
  readonly reason: 'frame-too-large' | 'frame-malformed';

  constructor(reason: 'frame-too-large' | 'frame-malformed', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Bytes of a frame. */
export function encodeFrame(kind: Frame['kind'], payload: Uint8Array = new Uint8Array()): Uint8Array {
  return concat(encodeHeader(kind, payload.length), payload);
}

/** What stands before the payload of a frame. */
export function encodeHeader(kind: Frame['kind'], sizeBytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header[0] = frameKinds[kind];
  new DataView(header.buffer).setUint32(1, sizeBytes);
  return header;
}

/**
 * Frames of a stream of bytes; ends with the stream or after `end` and `error`. A size is checked as soon as its
 * header is there, and nothing is set aside for a payload before its bytes have come.
 * @throws FrameFault
 */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>, dataBytes: number): AsyncGenerator<Frame> {
  const limits: Record<Frame['kind'], number> = { open: 4, data: dataBytes, end: 0, error: errorFrameBytes };
  let parts: Uint8Array[] = [];
  let haveBytes = 0;
  let wantBytes = headerBytes;
  let kind: Frame['kind'] | undefined;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (haveBytes + rest.length >= wantBytes) {
      const taken = rest.subarray(0, wantBytes - haveBytes);
      rest = rest.subarray(taken.length);
      // A copy: a small payload must not keep the large buffer alive that it came in.
      const whole = concat(...parts, taken);
      parts = [];
      haveBytes = 0;
      if (kind === undefined) {
        kind = kindNames[whole[0]!];
        if (kind === undefined) throw new FrameFault('frame-malformed', `no frame has the kind ${whole[0]}`);
        wantBytes = new DataView(whole.buffer, whole.byteOffset).getUint32(1);
        if (wantBytes > limits[kind]) {
          throw new FrameFault('frame-too-large', `${kind} of ${wantBytes} bytes, at most ${limits[kind]}`);
        }
      } else {
        yield { kind, payload: whole };
        if (kind === 'end' || kind === 'error') return;
        kind = undefined;
        wantBytes = headerBytes;
      }
    }
    if (rest.length > 0) {
      parts.push(rest);
      haveBytes += rest.length;
    }
  }
}
