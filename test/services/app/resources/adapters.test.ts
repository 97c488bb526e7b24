import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Adapter } from '../../../../services/app/resources/adapters/Adapter.ts';
import { commandAdapter } from '../../../../services/app/resources/adapters/command.ts';
import { fileAdapter } from '../../../../services/app/resources/adapters/file.ts';
import { httpAdapter } from '../../../../services/app/resources/adapters/http.ts';
import type { Json } from '../../../../services/core/governance/json.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';

const never = new AbortController().signal;
const asked = { resourceSet: 'radio', version: 3 };
const written = (configuration: Json) => ({ ...asked, configuration });

describe('resource adapters', () => {
  describe('file', () => {
    it('reads what was written, replaces it whole, and leaves nothing beside it', async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'deep', 'radio.json');
      const adapter = fileAdapter({ path });
      expect(await adapter.read(asked, never)).to.equal(undefined);
      await adapter.write(written({ capacity: 5, name: 'ä' }), never);
      expect(await adapter.read(asked, never)).to.deep.equal({ capacity: 5, name: 'ä' });
      await adapter.write(written({ capacity: 6 }), never);
      expect(JSON.parse(await readFile(path, 'utf8'))).to.deep.equal({ capacity: 6 });
      expect(await readdir(join(folder.path, 'deep'))).to.deep.equal(['radio.json']);
    });

    it('writes through a link, and keeps the mode of the file', async () => {
      await using folder = await temporaryFolder();
      const real = join(folder.path, 'real.json');
      await writeFile(real, '{}', { mode: 0o640 });
      await chmod(real, 0o640);
      await symlink(real, join(folder.path, 'link.json'));
      await fileAdapter({ path: join(folder.path, 'link.json') }).write(written({ a: 1 }), never);
      expect(JSON.parse(await readFile(real, 'utf8'))).to.deep.equal({ a: 1 });
    });

    it('tells what it cannot read from what is not there, and from what is no JSON with one reading', async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'radio.json');
      const adapter = fileAdapter({ path });
      await mkdir(path);
      await expectCode('resource-failed', adapter.read(asked, never));
      await expectCode('resource-failed', adapter.write(written({}), never));
      const text = fileAdapter({ path: join(folder.path, 'text.json') });
      await writeFile(join(folder.path, 'text.json'), '{"a":1,"a":2}');
      await expectCode('json-duplicate-key', text.read(asked, never));
      await writeFile(join(folder.path, 'text.json'), '{"a":');
      await expectCode('json-malformed', text.read(asked, never));
      await writeFile(join(folder.path, 'text.json'), Buffer.alloc(3 * 2 ** 20, 32));
      await expectCode('json-too-large', text.read(asked, never));
    });

    it('fails where nothing can be written', async () => {
      await expectCode('resource-failed', fileAdapter({ path: '/dev/null/radio.json' }).write(written({}), never));
      await expectCode('resource-failed', fileAdapter({ path: '/proc/radio.json' }).write(written({}), never));
    });

    it('keeps what was there on a full disk, and writes again when there is room', async function () {
      await using folder = await temporaryFolder();
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder.path], { stdio: 'ignore' });
      } catch {
        // Not root: no disk of our own to fill.
        return this.skip();
      }
      try {
        const path = join(folder.path, 'radio.json');
        const adapter = fileAdapter({ path });
        await adapter.write(written({ capacity: 1 }), never);
        await expectCode('resource-failed', adapter.write(written({ text: 'x'.repeat(200_000) }), never));
        expect(await adapter.read(asked, never)).to.deep.equal({ capacity: 1 });
        expect(await readdir(folder.path)).to.deep.equal(['radio.json']);
        await adapter.write(written({ capacity: 2 }), never);
        expect(await adapter.read(asked, never)).to.deep.equal({ capacity: 2 });
      } finally {
        execFileSync('umount', [folder.path]);
      }
    });
  });

  describe('HTTP service', () => {
    it('reads, writes with the ETag that it has seen, and makes what is not there', async () => {
      await using service = await resourceService();
      const adapter = service.adapter();
      expect(await adapter.read(asked, never)).to.equal(undefined);
      await adapter.write(written({ capacity: 1 }), never);
      await adapter.write(written({ capacity: 2 }), never);
      expect(await adapter.read(asked, never)).to.deep.equal({ capacity: 2 });
      expect(service.conditions).to.deep.equal(['none *', 'match "1"']);
    });

    it('looks again when somebody has changed it in between, and gives up when that does not end', async () => {
      await using service = await resourceService();
      const adapter = service.adapter();
      await adapter.write(written({ capacity: 1 }), never);
      service.rivals = 2;
      await adapter.write(written({ capacity: 2 }), never);
      expect(service.stored).to.equal('{"capacity":2}');
      service.rivals = 100;
      await expectCode('resource-failed', adapter.write(written({ capacity: 3 }), never));
      expect(service.stored).to.equal('{"rival":true}');
    });

    it('asks for nothing where the ETag is weak or missing', async () => {
      await using service = await resourceService();
      service.tag = () => 'W/"1"';
      service.stored = '{}';
      await service.adapter().write(written({ capacity: 1 }), never);
      service.tag = () => undefined;
      await service.adapter().write(written({ capacity: 2 }), never);
      expect(service.conditions).to.deep.equal(['', '']);
    });

    it('follows no redirect, and gives secret headers to nobody else', async () => {
      await using other = await resourceService();
      await using service = await resourceService();
      service.handle = (_request, response) => {
        response.writeHead(307, { location: other.url }).end();
      };
      const adapter = service.adapter({ authorization: 'Bearer secret' });
      const error = await expectCode('resource-failed', adapter.write(written({}), never));
      await expectCode('resource-failed', adapter.read(asked, never));
      expect(other.requests).to.equal(0);
      expect(`${error.message} ${adapter.name}`).to.not.include('secret');
    });

    it('writes in the place of what is too large to be a configuration', async () => {
      await using service = await resourceService();
      service.stored = `{"a":"${'x'.repeat(3 * 2 ** 20)}"}`;
      await expectCode('json-too-large', service.adapter().read(asked, never));
      await service.adapter().write(written({ capacity: 1 }), never);
      expect(await service.adapter().read(asked, never)).to.deep.equal({ capacity: 1 });
    });

    it('ends at its time limit when the service hangs, before the answer and within it', async () => {
      await using service = await resourceService();
      service.handle = () => {};
      await expectCode('resource-failed', service.adapter({}, 150).read(asked, never));
      service.handle = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":');
      };
      await expectCode('resource-failed', service.adapter({}, 150).read(asked, never));
      const stop = new AbortController();
      const reading = service.adapter({}, 60_000).read(asked, stop.signal);
      stop.abort();
      await expectCode('resource-failed', reading);
    });

    it('takes no endless answer, no error page for a configuration, and says when nobody is there', async () => {
      await using service = await resourceService();
      service.handle = (_request, response) => {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
        };
        response.on('drain', more);
        more();
      };
      const { data } = await expectCode('json-too-large', service.adapter().read(asked, never));
      expect(data.want).to.equal(2 * 2 ** 20);
      service.handle = (_request, response) => response.writeHead(500).end(Buffer.alloc(3 * 2 ** 20, 32));
      const { message } = await expectCode('resource-failed', service.adapter().read(asked, never));
      expect(message).to.include('answered with 500');
      service.handle = (_request, response) => response.writeHead(500).end('oh');
      await expectCode('resource-failed', service.adapter().read(asked, never));
      service.handle = (_request, response) => response.writeHead(200).end('<html>');
      await expectCode('json-malformed', service.adapter().read(asked, never));
      const adapter = service.adapter();
      await service.close();
      await expectCode('resource-failed', adapter.read(asked, never));
    });
  });

  describe('command', () => {
    const script = (source: string, timeoutMs = 20_000, folder = '/'): Adapter =>
      commandAdapter({
        command: [process.execPath, '-e', source],
        folder,
        environment: { FILE: 'radio.json' },
        timeoutMs,
      });
    const keeper = `
      const fs = require('node:fs');
      const ask = JSON.parse(fs.readFileSync(0, 'utf8'));
      if (ask.resourceSet !== 'radio' || ask.version !== 3) process.exit(9);
      if (ask.do === 'write') fs.writeFileSync(process.env.FILE, JSON.stringify(ask.configuration));
      else if (fs.existsSync(process.env.FILE)) process.stdout.write(fs.readFileSync(process.env.FILE));`;

    it('tells a program what to do, and takes its answer', async () => {
      await using folder = await temporaryFolder();
      const adapter = script(keeper, 20_000, folder.path);
      expect(await adapter.read(asked, never)).to.equal(undefined);
      await adapter.write(written({ text: "; rm -rf '$HOME'" }), never);
      expect(await adapter.read(asked, never)).to.deep.equal({ text: "; rm -rf '$HOME'" });
    });

    it('gives it no other environment than the settings name', async () => {
      const adapter = script('process.stdout.write(JSON.stringify(Object.keys(process.env)))');
      expect(await adapter.read(asked, never)).to.deep.equal(['FILE']);
    });

    it('fails with the exit code, and keeps the end of stderr for the log', async () => {
      const error = await expectCode(
        'resource-failed',
        script('console.error("no radio\\nhere"); process.exitCode = 3').write(written({}), never),
      );
      expect(error.message).to.match(/ended with 3$/);
      expect(JSON.stringify(error.data)).to.not.include('no radio');
      expect((error.cause as Error).message).to.equal('no radio\nhere\n');
      const endless = 'process.stderr.write("x".repeat(100_000)); process.exitCode = 3';
      const { cause } = await expectCode('resource-failed', script(endless).read(asked, never));
      expect((cause as Error).message).to.have.length(2_000);
      await expectCode(
        'resource-failed',
        commandAdapter({ command: ['/no/such/program'], folder: '/', environment: {}, timeoutMs: 9_000 }).read(
          asked,
          never,
        ),
      );
    });

    it('ends a program that hangs together with what it has started', async () => {
      await using folder = await temporaryFolder();
      const child = `
        const { spawn } = require('node:child_process');
        const own = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
        require('node:fs').writeFileSync('pid', String(own.pid));
        setInterval(() => {}, 1000);`;
      const stop = new AbortController();
      const reading = script(child, 60_000, folder.path).read(asked, stop.signal);
      const pid = await until(
        'the child',
        async () => Number(await readFile(join(folder.path, 'pid'), 'utf8')) || false,
      );
      stop.abort();
      await expectCode('resource-failed', reading);
      await until('its end', async () => !(await isRunning(pid)));
      await expectCode('resource-failed', script('setInterval(() => {}, 1000)', 200).read(asked, never));
    });

    it('stops one that writes without end, and minds none that does not listen', async () => {
      const endless =
        'const more = () => { while (process.stdout.write(Buffer.alloc(65536, 32))); }; process.stdout.on("drain", more); more();';
      await expectCode('json-too-large', script(endless).read(asked, never));
      await script('process.stdin.destroy()').write(written({ text: 'x'.repeat(500_000) }), never);
    });
  });
});

async function isRunning(pid: number): Promise<boolean> {
  // A zombie waits for its parent only.
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return state !== undefined && state.slice(state.lastIndexOf(')') + 2, state.lastIndexOf(')') + 3) !== 'Z';
}

/** A real HTTP service that keeps one document, with ETags. */
async function resourceService() {
  const conditions: string[] = [];
  let version = 0;
  const server: Server = createServer((request, response) => {
    service.requests++;
    void service.handle(request, response);
  });
  const service = {
    url: '',
    stored: undefined as string | undefined,
    conditions,
    requests: 0,
    /** Writes of somebody else that come right after a read. */
    rivals: 0,
    tag: (): string | undefined => `"${version}"`,
    handle: ((request, response) => keep(request, response)) as (
      request: IncomingMessage,
      response: ServerResponse,
    ) => unknown,
    adapter: (headers: Record<string, string> = {}, timeoutMs = 20_000) =>
      httpAdapter({ url: service.url, headers, timeoutMs }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await service.close();
    },
  };
  async function keep(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const etag = service.stored === undefined ? undefined : service.tag();
    if (request.method === 'GET') {
      if (service.stored === undefined) return void response.writeHead(404).end();
      response.writeHead(200, etag === undefined ? {} : { etag }).end(service.stored);
      if (service.rivals > 0) {
        service.rivals--;
        version++;
        service.stored = '{"rival":true}';
      }
      return;
    }
    const body = Buffer.concat(await request.toArray()).toString();
    const match = request.headers['if-match'];
    const none = request.headers['if-none-match'];
    if ((match !== undefined && match !== etag) || (none === '*' && service.stored !== undefined)) {
      return void response.writeHead(412).end();
    }
    conditions.push(match ? `match ${match}` : none ? `none ${none}` : '');
    version++;
    service.stored = body;
    response.writeHead(204).end();
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/radio`;
  return service;
}
