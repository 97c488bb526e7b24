import http from 'node:http';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { sendUpload } from '../services/lib/client/channels/sendUpload.ts';
import { memorySource } from '../services/lib/client/channels/uploadSource.ts';
if (!isMainThread) {
  const s = http.createServer((q, r) => { q.resume(); q.on('end', () => { r.writeHead(201, { 'tus-resumable': '1.0.0', location: '/v1/x/uploads/abc', 'upload-offset': 200, 'content-length': 0 }); r.end(); }); });
  s.listen(0, () => parentPort!.postMessage((s.address() as any).port));
} else {
  const w = new Worker(new URL(import.meta.url));
  const port: number = await new Promise((d) => w.once('message', d));
  const url = `http://127.0.0.1:${port}/v1/x/uploads`;
  const body = Buffer.alloc(200, 'x');
  const headers = { 'tus-resumable': '1.0.0', 'upload-length': '200', 'content-type': 'application/offset+octet-stream', authorization: 'Channel ' + 'x'.repeat(300), 'upload-metadata': 'kind Y29udGVudA==,digest ' + 'x'.repeat(88) };
  const ways: Record<string, () => Promise<unknown>> = {
    tus: () => sendUpload(memorySource(body), { endpoint: url, authorization: () => headers.authorization, metadata: { kind: 'content', digest: 'x'.repeat(66) } }),
    fetch: async () => { const r = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' }); await r.arrayBuffer(); },
    http: () => new Promise<void>((done, no) => { const q = http.request(url, { method: 'POST', headers: { ...headers, 'content-length': 200 } }, (r) => { r.resume(); r.on('end', done); }); q.on('error', no); q.end(body); }),
  };
  for (let round = 0; round < 2; round++)
    for (const [name, way] of Object.entries(ways)) {
      const n = 2000; let next = 0; const cpu = process.threadCpuUsage();
      await Promise.all(Array.from({ length: 64 }, async () => { while (next++ < n) await way(); }));
      const { user, system } = process.threadCpuUsage(cpu);
      console.log(name, ((user + system) / n).toFixed(0), 'us');
    }
  process.exit();
}
