import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { type BackOff, onceOnly, waitBeforeTry } from './backOff.ts';
import { type CentreHttp, checkAnswer } from './CentreHttp.ts';
import type { CallOptions } from './Connection.ts';
import { type EventAnswer, eventAnswerSchema } from './governanceAnswers.ts';
import { mayPass } from './problem.ts';

/** A centre sends a sign of life every 15 seconds. */
const silenceMs = 60_000;
const maxFrameCharacters = 1 << 20;
const reconnect: BackOff = { tries: 1, firstDelayMs: 500, maxDelayMs: 30_000 };

/** How events are followed. */
export type FollowOptions = CallOptions & {
  /** The first event is the one after this; `latest`: what happens from now on. All that the centre keeps by default. */
  readonly after?: number | 'latest' | undefined;
  /** Told of each time that the stream broke, before it is opened again. */
  readonly onBreak?: ((error: NotariumError) => void) | undefined;
};

/**
 * Events of a centre (server-sent events) as they come, each once, over every break of the connection, until the signal aborts.
 * @throws NotariumError what no further try would change: `unauthorized`, `forbidden`, `server-answer-invalid` …
 */
export async function* followEvents(http: CentreHttp, options: FollowOptions = {}): AsyncGenerator<EventAnswer> {
  const { signal, onBreak } = options;
  let after = options.after;
  for (let tried = 0; ; ) {
    try {
      const onPlace = (seq: number): void => {
        if (after === 'latest') after = seq;
      };
      for await (const event of stream(http, after, { onPlace, signal })) {
        tried = 0;
        if (typeof after === 'number' && event.seq <= after) continue;
        after = event.seq;
        yield event;
      }
      throw new NotariumError('server-unreachable', `${http.url} (the stream ended)`, { data: { url: http.url } });
    } catch (error) {
      if (signal?.aborted) return;
      if (!isNotariumError(error) || !mayPass(error)) throw error;
      onBreak?.(error);
      await waitBeforeTry(++tried, reconnect, { signal }).catch(() => {});
      if (signal?.aborted) return;
    }
  }
}

/** @param onPlace Told where the stream begins, where that is not what was asked for. */
async function* stream(
  http: CentreHttp,
  after: number | 'latest' | undefined,
  { onPlace, signal }: { readonly onPlace: (seq: number) => void; readonly signal: AbortSignal | undefined },
): AsyncGenerator<EventAnswer> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), silenceMs);
  const path = `/v1/events${after === undefined ? '' : `?after=${after}`}`;
  const signals = AbortSignal.any([silent.signal, ...(signal ? [signal] : [])]);
  try {
    const response = await http.send({ path, accept: 'text/event-stream', backOff: onceOnly, signal: signals });
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      timer.refresh();
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop()!;
      if (text.length > maxFrameCharacters) throw new NotariumError('server-answer-invalid', 'an endless event');
      for (const frame of frames) {
        const data = /^data: ?(.*)$/m.exec(frame)?.[1];
        const place = /^id: ?(\d{1,15})$/m.exec(frame)?.[1];
        if (data !== undefined) yield checkAnswer(eventAnswerSchema, parsed(data), path);
        else if (place !== undefined) onPlace(Number(place));
      }
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (isNotariumError(cause)) throw cause;
    const why = silent.signal.aborted ? 'nothing came for a minute' : 'the stream broke';
    throw new NotariumError('server-unreachable', `${http.url} (${why})`, { cause, data: { url: http.url } });
  } finally {
    clearTimeout(timer);
    // Ends the request of whoever wants no more events.
    silent.abort();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NotariumError('server-answer-invalid', 'an event is not JSON', { cause });
  }
}
