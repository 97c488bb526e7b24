import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { build } from 'esbuild';
import { ensureChromium } from '../../scripts/support/chromium.ts';
import { toHex } from '../../services/core/bytes.ts';
import { startHttpServer } from '../../services/http/httpServer.ts';
import { committee, fileDigest, receiptsOf, recordOf } from '../services/core/receiptKit.ts';
import { memoryCentre } from '../support/memoryCentre.ts';

/** The page's DOM after its scripts have run, in a real headless Chromium that reaches nothing but this machine. */
async function domOf(chromium: string, url: string): Promise<{ dom: string; stderr: string }> {
  const profile = await mkdtemp(join(tmpdir(), 'notarium chromium '));
  const child = spawn(
    chromium,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...[
        '--disable-background-networking',
        '--disable-component-update',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
      ...[`--user-data-dir=${profile}`, '--enable-logging=stderr', '--virtual-time-budget=20000', '--dump-dom', url],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let dom = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    dom += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await once(child, 'close');
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  return { dom, stderr };
}

describe('in a browser', () => {
  let chromium: string;

  before(function () {
    const found = ensureChromium((line) => process.stdout.write(`${line}\n`));
    // Only where Chromium can't be had: no root, or no apt.
    if (found === undefined) return this.skip();
    chromium = found;
  });

  it('core runs as it is: receipts, SHA-256 by WebAssembly SIMD, aggregates', async () => {
    const [receipt] = await receiptsOf(await Promise.all([0, 1, 2, 3, 4].map((index) => recordOf(index))));
    const given = { receipt, committee, contentDigest: toHex(fileDigest(0)) };
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
    });
    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      const inline = `<script>globalThis.given = ${JSON.stringify(given)}</script>`;
      response.end(isScript ? outputFiles[0]!.text : `<body>${inline}<script type="module" src="/page.js"></script>`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { dom, stderr } = await domOf(chromium, `http://127.0.0.1:${port}/`);
    server.close();
    const findings = JSON.parse(/<body>(\{.*\})/.exec(dom)?.[1] ?? 'null') as Record<string, unknown> | null;
    expect(findings, `${dom}\n${stderr}`).not.to.equal(null);
    expect(findings).to.deep.include({
      verdict: true,
      alteredCode: 'receipt-inclusion-mismatch',
      bulk: 'wasm-simd',
      aggregate: true,
    });
    expect(findings!.root).to.equal(findings!.rootByNoble);
  });

  it('the page at /docs shows the API, and asks no other host', async () => {
    const centre = await memoryCentre();
    const http = await startHttpServer(centre, { port: 0, rateLimits: false });
    const { dom, stderr } = await domOf(chromium, `${http.url}/docs`);
    await http.stop();
    expect(dom).to.include('rapi-doc');
    expect(stderr).not.to.match(/Refused to|Content Security Policy|ERR_NAME_NOT_RESOLVED/);
  });
});
