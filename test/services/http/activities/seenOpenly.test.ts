import { expect } from 'chai';
import { createMetrics } from '../../../../services/app/metrics.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { openMetrics } from '../../../../services/http/operatorOnly.ts';
import { routes } from '../../../../services/http/routes.ts';
import { createNetMetrics } from '../../../../services/net/netMetrics.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { expectProblem, stopHttpTests } from '../../../support/httpTest.ts';
import { until } from '../../../support/until.ts';

/** The state of the process and the scrapes themselves: the same whoever takes part. */
const isNoise = (line: string): boolean => /process_|nodejs_|route="\/metrics"|http_requests_under_way/.test(line);

describe('what a centre shows openly of private activities', () => {
  const names = ['buyer', 'seller', 'bystander'] as const;
  let world: ActivityWorld;
  let nodes: readonly ActivityNode[];
  let servers: readonly ActivityHttp[];
  let operators: readonly TestKey[];
  let reader: TestKey;

  before(async () => {
    world = new ActivityWorld();
    nodes = await world.open(3);
    servers = await Promise.all(nodes.map(({ desk, metrics }) => serveActivities(desk, { registry: metrics })));
    operators = await Promise.all(servers.map((http) => http.key('operator', ['admin'])));
    reader = await servers[0]!.key('reader', ['read', 'submit']);
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
  });

  const scrape = async (http: ActivityHttp, by?: TestKey): Promise<string[]> => {
    const response = await http.ask('GET', '/metrics', by);
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    return (await response.text()).split('\n');
  };
  const openly = async (by?: TestKey): Promise<string[][]> =>
    Promise.all(servers.map(async (http) => (await scrape(http, by)).filter((line) => !isNoise(line))));

  it('is nothing in its metrics that says who takes part: they are the same before and after, at each', async () => {
    await until('all connected', () =>
      nodes.every(({ net }) => net.peers().filter(({ isConnected }) => isConnected).length === 2),
    );
    await openly();
    const before = await openly();
    const [buyer, seller] = nodes;
    const { activity, message } = await servers[0]!.post('/v1/activities', operators[0]!, {
      ...{ kind: 'industrial', request: 'trust', receivers: [seller!.name], body: 'order' },
    });
    await reaches(message as Hash, buyer!, seller!);
    await servers[1]!.get(`/v1/activities/${activity}`, operators[1]!);
    await servers[1]!.get('/v1/devices', operators[1]!);
    expect(await openly()).to.deep.equal(before);
    const [first, ...others] = await openly();
    for (const other of others) expect(other).to.have.length(first!.length);
    expect((await scrape(servers[0]!, reader)).filter((line) => !isNoise(line))).to.deep.equal(before[0]);
    expect(first).to.include('notarium_ready 1');
  });

  it('nor by how many records a centre has taken in and sent: those of activities are among them', async () => {
    const metrics = createMetrics();
    const net = createNetMetrics(metrics.registry);
    metrics.accepted.inc(5);
    metrics.refused.inc();
    for (const name of ['records', 'votes']) {
      net.messages.inc({ name, direction: 'out' });
      net.bytes.inc({ name, direction: 'out' }, 9);
    }
    const before = await metrics.registry.metrics();
    const after = openMetrics(before);
    expect(before).to.contain('notarium_records_accepted_total 5').and.to.contain('{name="records"');
    expect(after).not.to.match(/records_accepted|records_refused|"records"/);
    expect(after).to.contain('{name="votes",direction="out"} 9').and.to.contain('notarium_pool_records');
  });

  it('is all of it for the operator', async () => {
    const seen = await Promise.all(servers.map((http, index) => scrape(http, operators[index])));
    const counted = seen.map((lines) =>
      lines.flatMap(
        (line) => /^notarium_activity_messages_(sent|taken)_total\{type="start"\} 1$/.exec(line)?.[1] ?? [],
      ),
    );
    expect(counted).to.deep.equal([['sent'], ['taken'], []], names.join());
    const [, seller] = seen;
    expect(seller!.some((line) => line.includes('name="/notarium/activities/1",direction="in"'))).to.equal(true);
    expect(seller!.some((line) => line.includes('route="/v1/activities/{id}"'))).to.equal(true);
  });

  it('leaves out each of their routes', async () => {
    const own = routes.filter(({ tag }) => tag === 'activities');
    expect(own.length).to.be.greaterThan(10);
    for (const { method, path } of own) {
      const asked = path.replaceAll(/\{(\w+)\}/g, (_, name) => (name === 'index' ? '0' : `0x${'12'.repeat(32)}`));
      await servers[2]!.ask(method.toUpperCase(), asked);
    }
    const routesIn = (lines: string[]): Set<string> =>
      new Set(lines.flatMap((line) => /_count\{.*route="([^"]+)"/.exec(line)?.[1] ?? []));
    const paths = own.map(({ path }) => path);
    expect([...routesIn(await scrape(servers[2]!, operators[2]))]).to.include.members(paths);
    expect([...routesIn(await scrape(servers[2]!))])
      .to.include('/metrics')
      .and.not.to.include.any.members(paths);
  });

  it('is none of their problems, and not who was cut off in one', async () => {
    const http = servers[0]!;
    const { status } = http.centre;
    const undelivered = { code: 'activity-undelivered', detail: 'to 2 members' };
    const unreachable = { code: 'chain-unreachable', detail: 'no answer' };
    const peer = { address: nodes[1]!.address, connected: false, score: 50 };
    const peers = [
      { ...peer, cutOffReason: 'activity-answer' },
      { ...peer, cutOffReason: 'gossip-flood' },
    ];
    Object.assign(http.centre, { status: async () => ({ ...(await status()), peers }) });
    http.centre.setProblems([undelivered, unreachable]);
    const problemsOf = async (by?: TestKey) =>
      (await expectProblem(http.ask('GET', '/readyz', by), 'not-ready')).data!.problems;
    const statusOf = async (by?: TestKey) => (await (await http.ask('GET', '/v1/status', by)).json()) as object;
    for (const by of [undefined, reader]) {
      expect(await problemsOf(by)).to.deep.equal([unreachable]);
      expect(await statusOf(by)).to.deep.include({ problems: [unreachable], peers: [peer, peers[1]] });
    }
    expect(await problemsOf(operators[0])).to.deep.equal([undelivered, unreachable]);
    expect(await statusOf(operators[0])).to.deep.include({ problems: [undelivered, unreachable], peers });
    http.centre.setProblems([]);
  });

  it('nor where its store does not answer', async () => {
    const http = servers[1]!;
    const data = {
      problems: [
        { code: 'storage-failed', detail: 'late' },
        { code: 'activity-forked', detail: 'seen' },
      ],
    };
    Object.assign(http.centre, {
      status: async () => {
        throw new NotariumError('not-ready', 'storage-failed', { data });
      },
    });
    for (const path of ['/readyz', '/v1/status']) {
      const problem = await expectProblem(http.ask('GET', path), 'not-ready');
      expect(problem.detail).to.include('storage-failed');
      expect(problem.data).to.deep.equal({ problems: [data.problems[0]] });
      expect((await expectProblem(http.ask('GET', path, operators[1]), 'not-ready')).data).to.deep.equal(data);
    }
  });
});
