import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { CentreStatus, NetworkView } from '../../../services/app/Centre.ts';
import type { Address } from '../../../services/core/bytes.ts';
import { type CliRun, cli } from '../../support/cliKit.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const addressOf = (index: number): Address => `0x${String(index).padStart(40, '0')}` as Address;

type Report = {
  ok: boolean;
  exitCode: number;
  centres?: { name: string; url: string; ready: boolean; error?: { code: string }; status?: CentreStatus }[];
};

describe('notarium status', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let servers: HttpTest[];
  const strangers: Server[] = [];

  beforeEach(async () => {
    folder = await temporaryFolder();
    servers = [await startHttpTest(), await startHttpTest(), await startHttpTest()];
    for (const [index, { centre }] of servers.entries()) be(centre, index);
  });
  afterEach(async () => {
    await stopHttpTests();
    for (const stranger of strangers.splice(0)) {
      stranger.closeAllConnections();
      stranger.close();
    }
    await folder[Symbol.asyncDispose]();
  });

  /** Centre number `index` of a network of all servers, and of whatever else is given. */
  function be(centre: HttpTest['centre'], index: number, more: Partial<NetworkView['centres'][number]>[] = []): void {
    const { status, network } = centre;
    const peers = servers
      .map((_, at) => ({ address: addressOf(at), connected: at !== 2, score: 0 }))
      .filter(({ address }) => address !== addressOf(index));
    Object.assign(centre, {
      status: async () => ({ ...(await status()), centre: addressOf(index), lastPublisher: addressOf(1), peers }),
      network: async () => {
        const view = await network();
        const [first] = view.centres;
        const centres = servers.map(({ url }, at) => ({
          ...first,
          address: addressOf(at),
          name: `Centre ${at + 1}`,
          endpoint: url,
        }));
        const others = more.map((one, at) => ({ ...first, address: addressOf(100 + at), ...one }));
        return { ...view, centres: [...centres, ...others] };
      },
    });
  }

  /** A server that is no centre. */
  async function strangerAt(answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    strangers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const status = (...args: string[]): Promise<CliRun> =>
    cli({ cwd: folder.path }, 'status', '--url', servers[0]!.url, ...args);

  it('shows every centre: who it is, what it has, who is connected', async () => {
    servers[1]!.centre.setProblems([{ code: 'chain-unreachable', detail: 'no answer' }]);
    const { code, stdout } = await status();
    expect(code).to.equal(0);
    const rows = stdout.split('\n').filter((line) => /^[✓✗] Centre \d +http/.test(line));
    expect(rows).to.have.length(3);
    expect(rows[0]).to.match(/^✓ Centre 1 +http\S+ +0 +0 +0 +Centre 2 +1\/2 +0 +ready$/);
    expect(rows[1]).to.match(/^✗ Centre 2 .* chain-unreachable$/);
    expect(stdout).to.include('✗ Centre 2: chain-unreachable: no answer').and.include(`READY: ${servers[0]!.url}`);
  });

  it('ends with the exit code of the asked centre alone', async () => {
    servers[0]!.centre.setProblems([{ code: 'clock-skewed', detail: 'by a minute' }]);
    const { code, stdout } = await status();
    expect(code).to.equal(45);
    expect(stdout.match(/clock-skewed: by a minute/g)).to.have.length(1);
    expect(stdout).to.include('NOT READY');
  });

  it('gives all of it as JSON, and only the asked one with --one', async () => {
    const all = await status('--json');
    expect(all.code).to.equal(0);
    const { centres, ...rest } = all.json<Report>();
    expect(rest).to.include({ ok: true, exitCode: 0 });
    expect(centres!.map(({ name, url, ready, status: one }) => [name, url, ready, one!.centre])).to.deep.equal(
      servers.map(({ url }, at) => [`Centre ${at + 1}`, url, true, addressOf(at)]),
    );
    const one = await status('--one');
    expect(one.code).to.equal(0);
    expect(one.stdout).not.to.include('last publisher');
    expect((await status('--one', '--json')).json<Report>().centres).to.equal(undefined);
  });

  it('says which centres do not answer in time, lie about who they are, or are no centres at all', async () => {
    // Takes the request, and never answers.
    const silent = await strangerAt(() => {});
    be(servers[0]!.centre, 0, [
      { name: 'silent', endpoint: silent },
      { name: 'gone', endpoint: 'http://127.0.0.1:9', status: 'suspended' },
      { name: 'impostor', endpoint: servers[1]!.url },
      { name: 'nowhere', endpoint: 'ftp://127.0.0.1' },
      { name: 'removed', endpoint: 'http://127.0.0.1:9', status: 'removed' },
    ]);
    const startMs = performance.now();
    const { code, stdout } = await status();
    expect(performance.now() - startMs).to.be.lessThan(30_000);
    expect(code).to.equal(0);
    expect(stdout).to.match(/✗ silent .* no answer\n/);
    expect(stdout).to.match(/✗ gone .* suspended, no answer\n/);
    expect(stdout).to.match(/✗ impostor .* server-answer-invalid\n/);
    expect(stdout).to.match(/✗ nowhere .* config-invalid\n/);
    expect(stdout).not.to.include('removed');
    const errors = (await status('--json')).json<Report>().centres!.map(({ error }) => error?.code);
    expect(errors.filter(Boolean)).to.deep.equal([
      'server-unreachable',
      'server-unreachable',
      'server-answer-invalid',
      'config-invalid',
    ]);
  });

  it('gives its API key to the asked centre alone, and lets no name rule the terminal', async () => {
    const keys: (string | undefined)[] = [];
    const other = await strangerAt(({ headers }, response) => {
      keys.push(headers.authorization);
      response.end('{}');
    });
    be(servers[0]!.centre, 0, [{ name: 'other\u001b[2J\n', endpoint: other }]);
    const { secret } = await servers[0]!.centre.keys.create('reader', ['read']);
    const { stdout } = await status('--api-key', secret);
    expect(keys).to.deep.equal([undefined]);
    expect(stdout)
      .to.include('other\\u{1b}[2J\\u{a}')
      .and.not.match(/[^\n\P{Cc}]/u);
  });

  it('speaks of one centre as of one', async () => {
    servers.splice(1);
    const { code, stdout } = await status();
    expect(code).to.equal(0);
    expect(stdout)
      .to.include(': 1 centre, quorum')
      .and.match(/^READY$/m);
  });
});
