import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
const child = fork('test/zz_server.ts', [process.argv[2] ?? '']);
const [port] = await once(child, 'message') as [number];
const record = JSON.stringify({ v:1, network:'eip155:31337:0x'+'5'.repeat(40), kind:'evidence', subject:'urn:test:12345', digest:'sha-256:'+'ab'.repeat(32), time:'2026-11-21T01:30:00.000Z', submitter:'0x'+'2'.repeat(40), signature:'0x'+'3'.repeat(130)});
const req = `POST /v1/records HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: ${record.length}\r\n\r\n${record}`;
let done = 0; let stop = false;
for (let i = 0; i < 64; i++) { const s = connect(port, '127.0.0.1'); s.setNoDelay(true); s.on('connect', () => s.write(req)); s.on('data', (d) => { done++; if (!stop) s.write(req); else s.end(); }); }
const cpu = async () => { child.send('cpu'); const [m] = await once(child, 'message'); return m as {cpu:number}; };
await new Promise(r => setTimeout(r, 1500)); await cpu(); const d0 = done; const t0 = performance.now();
await new Promise(r => setTimeout(r, 4000)); const c = await cpu(); const n = done - d0; const s = (performance.now()-t0)/1000;
console.log({ perSecond: Math.round(n/s), serverCpuMicrosPerRequest: +(c.cpu*1e6/n).toFixed(1) }); stop = true;
// batch
const N = 200_000; const body = (record+'\n').repeat(1000);
await new Promise(r => setTimeout(r, 300)); await cpu(); const t1 = performance.now();
const s2 = connect(port, '127.0.0.1'); let bytes = 0; s2.on('data', (d) => { bytes += d.length; if (d.includes('\r\n0\r\n\r\n') || d.toString('latin1').endsWith('0\r\n\r\n')) s2.end(); });
s2.write(`POST /v1/records/batch HTTP/1.1\r\nhost: t\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${body.length*N/1000}\r\n\r\n`);
for (let i = 0; i < N/1000; i++) if (!s2.write(body)) await once(s2, 'drain');
await once(s2, 'close'); const c2 = await cpu();
console.log({ batchPerSecond: Math.round(N/((performance.now()-t1)/1000)), serverCpuMicrosPerRecord: +(c2.cpu*1e6/N).toFixed(2), c2 });
child.kill();
