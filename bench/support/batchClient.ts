import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { serveParent } from './runChild.ts';

/** Files of records to post as NDJSON batches, several at a time. */
export type BatchTask = {
  readonly url: string;
  readonly files: readonly string[];
  readonly linesPerBatch: number;
  readonly requestsAtOnce: number;
};

/** How long it took from the first request to the last answer, and what the answers say. */
export type BatchAnswer = { readonly seconds: number; readonly accepted: number; readonly cpuSeconds: number };

const newline = 0x0a;
const acceptedText = Buffer.from('"status":"accepted"');

serveParent<BatchTask, BatchAnswer>(async ({ url, files, linesPerBatch, requestsAtOnce }) => {
  const batches = files.flatMap((file) => cut(readFileSync(file), linesPerBatch));
  const agent = new Agent({ keepAlive: true, maxSockets: requestsAtOnce });
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let accepted = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < batches.length) {
      const count = await post(`${url}/v1/records/batch`, batches[next++]!, agent);
      accepted += count;
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, work));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  agent.destroy();
  return { seconds, accepted, cpuSeconds: (user + system) / 1e6 };
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

/** Posts a batch; gives the number of lines that were accepted. */
function post(url: string, body: Buffer, agent: Agent): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(occurrences(Buffer.concat(chunks), acceptedText)));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function occurrences(text: Buffer, part: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}
