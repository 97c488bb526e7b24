import { startHttpServer } from '../services/http/httpServer.ts';
import { memoryCentre } from './support/memoryCentre.ts';
const centre = await memoryCentre();
const acceptance = { recordId: '0x'+'1'.repeat(64), acceptedAt: 1, includeBySlot: 2, centre: '0x'+'2'.repeat(40), signature: '0x'+'3'.repeat(130) };
(centre as any).accept = async (lines: string[]) => { await new Promise(r => setImmediate(r)); return lines.map(() => ({ status: 'accepted', id: '0x'+'1'.repeat(64), acceptance })); };
const http = await startHttpServer(centre, { port: 0, rateLimits: process.argv[2] === 'limits' ? { perIp: { limit: 1e9, windowMs: 60000 }, perKey: { limit: 1e9, windowMs: 60000 } } : false });
process.send!(http.port);
let t = process.cpuUsage();
process.on('message', (m) => { if (m === 'cpu') { const d = process.cpuUsage(t); t = process.cpuUsage(); process.send!({ cpu: (d.user + d.system) / 1e6, rss: process.memoryUsage().rss/1e6 }); } else process.exit() });
