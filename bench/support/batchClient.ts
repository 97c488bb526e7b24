import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { serveParent } from './runChild.ts';

/** Files of records to post as NDJSON batches, several at a time, to one centre after the other. */
export type BatchTask = {
  readonly urls: readonly string[];
  readonly files: readonly string[];
  readonly linesPerBatch: number;
  readonly requestsAtOnce: number;
  /** Whether the answers are to hold signed acceptances. */
  readonly acceptances: boolean;
};

/** How long it took from the first request to the last answer, and what the answers say. */
export type BatchAnswer = {
  readonly seconds: number;
  readonly accepted: number;
  readonly cpuSeconds: number;
  /** A line of an answer that says something else than accepted. */
  readonly other: string | undefined;
};

const newline = 0x0a;
const acceptedText = '"status":"accepted"';

serveParent<BatchTask, BatchAnswer>(async ({ urls, files, linesPerBatch, requestsAtOnce, acceptances }) => {
  const batches = files.flatMap((file) => cut(readFileSync(file), linesPerBatch));
  const agent = new Agent({ keepAlive: true, maxSockets: requestsAtOnce });
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let accepted = 0;
  let other: string | undefined;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < batches.length) {
      const number = next++;
      const answer = await post(`${urls[number % urls.length]}/v1/records/batch`, batches[number]!, agent, acceptances);
      const count = occurrences(answer, acceptedText);
      accepted += count;
      if (count < linesPerBatch) other ??= lineWithout(answer.toString(), acceptedText);
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, work));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  agent.destroy();
  return { seconds, accepted, cpuSeconds: (user + system) / 1e6, other };
});

function cut(bytes: Buffer, linesPerBatch: number): Buffer[] {
  const batches: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = start;
    for (let line = 0; line < linesPerBatch && end < bytes.length; line++) end = bytes.indexOf(newline, end) + 1;
    batches.push(bytes.subarray(start, end));
    start = end;
  }
  return batches;
}

/** Posts a batch; gives the answer. */
function post(url: string, body: Buffer, agent: Agent, acceptances: boolean): Promise<Buffer> {
  const prefer = acceptances ? {} : { prefer: 'return=minimal' };
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length, ...prefer };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function lineWithout(text: string, part: string): string | undefined {
  return text.split('\n').find((line) => line !== '' && !line.includes(part));
}

function occurrences(text: Buffer, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}
