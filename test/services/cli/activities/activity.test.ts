import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ActivityDesk } from '../../../../services/app/activities/ActivityDesk.ts';
import { exitCodeOf } from '../../../../services/cli/exitCodes.ts';
import { parseDisclosure } from '../../../../services/core/activities/disclosure.ts';
import { type FieldBody, readFields } from '../../../../services/core/activities/fields.ts';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { activityNetwork, person } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { type CliRun, cli } from '../../../support/cliKit.ts';
import { stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';

type Sent = { ok: boolean; activity: `0x${string}`; message: `0x${string}` };

describe('notarium activity', () => {
  let world: ActivityWorld;
  let nodes: [ActivityNode, ActivityNode, ActivityNode];
  let servers: [ActivityHttp, ActivityHttp];
  let keys: [TestKey, TestKey];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    world = new ActivityWorld();
    nodes = (await world.open(3)) as typeof nodes;
    // Of the node as it is at the time, also when it was stopped and is open again.
    const deskOf = (node: ActivityNode): ActivityDesk =>
      new Proxy({} as ActivityDesk, { get: (_, name) => node.desk[name as keyof ActivityDesk] });
    const serve = (node: ActivityNode) => serveActivities(deskOf(node), {}, world.registry.nodes);
    servers = [await serve(nodes[0]), await serve(nodes[1])];
    keys = [await servers[0].key('admin', ['admin']), await servers[1].key('admin', ['admin'])];
    await writeFile(join(folder.path, 'order.json'), JSON.stringify({ article: 'pumps', price: { amount: 12 } }));
    await writeFile(join(folder.path, 'delivery note.txt'), 'three pumps\n');
  });
  after(async () => {
    await stopHttpTests();
    await world.close();
    await folder[Symbol.asyncDispose]();
  });

  const at = (node: 0 | 1, stdin = '') => ({
    cwd: folder.path,
    env: { NOTARIUM_API_KEY: keys[node].secret },
    ...{ stdin, url: servers[node].url },
  });
  /** As the client of a node. */
  const run = (node: 0 | 1, argv: readonly string[], stdin?: string): Promise<CliRun> => {
    const { url, ...place } = at(node, stdin);
    const [first, ...rest] = argv;
    return cli(place, 'activity', first!, ...rest, '--url', url);
  };
  const well = async (node: 0 | 1, argv: readonly string[], stdin?: string): Promise<CliRun> => {
    const done = await run(node, argv, stdin);
    expect(done.code, `${argv.join(' ')}: ${done.stderr || done.stdout}`).to.equal(0);
    if (argv.includes('--json')) return done;
    for (const line of done.stdout.split('\n')) expect(line.length, line).to.be.most(80);
    return done;
  };
  const sent = async (node: 0 | 1, argv: readonly string[], stdin?: string): Promise<Sent> =>
    (await well(node, [...argv, '--json'], stdin)).json<Sent>();
  const fails = async (code: ErrorCode, node: 0 | 1, argv: readonly string[]): Promise<CliRun> => {
    const done = await run(node, [...argv, '--json']);
    expect(done.stdout, argv.join(' ')).to.contain(`"${code}"`);
    expect(done.code).to.equal(exitCodeOf(code)).and.not.to.equal(1);
    return done;
  };

  it('begins one, shows it, and shows how far it has come', async () => {
    const asks = ['--kind', 'industrial', '--request', 'both', '--to', 'Node 2', '--regulator', nodes[2].address];
    const { activity, message } = await sent(0, [
      ...['start', ...asks, '--body', 'order.json', '--attach', 'delivery note.txt', '--fields', '--no-history'],
    ]);
    await reaches(message, nodes[1], nodes[2]);
    const id = activity.slice(0, 12);
    await well(1, ['ack', id]);
    await until('the receiver has countersigned', async () =>
      (await nodes[0].desk.deliveries(operator, activity, message)).some(({ state }) => state === 'countersigned'),
    );
    const { stdout } = await well(0, ['show', id]);
    expect(stdout).to.contain(activity).and.to.contain('asks for information and trust');
    expect(stdout)
      .to.match(/Node 1 +initiator +0x/)
      .and.to.match(/Node 3 +regulator +0x/);
    expect(stdout).to.match(/> +0x[0-9a-f]{8} +1 +Node 1 +[23] of 3/);
    expect(stdout)
      .to.match(/Node 2 +countersigned/)
      .and.to.match(/Node 3 +(delivered|read)/);
    expect(stdout).to.match(/"article": "pumps",[^}]*"price": \{[^}]*"amount": 12/);
    expect(stdout).to.contain('file 0: delivery note.txt');
    const shown = (await well(0, ['show', id, '--json'])).json<{ activity: { terms: { rules: object } } }>();
    expect(shown.activity.terms.rules).to.deep.equal({ history: false, approval: 'majority' });
    const list = (await well(0, ['list'])).stdout;
    expect(list).to.contain(activity.slice(0, 10)).and.to.contain(message.slice(0, 10));
    // Who has begun it, of how many members, and when it has changed.
    expect(list).to.match(/industrial +\S[^\n]* +3 +\d+ +0x[0-9a-f]{8} +\d\d-\d\d \d\d:\d\d\n/);
    expect((await well(0, ['list', '--json'])).json<{ activities: object[] }>().activities).to.have.length(1);

    await well(1, ['attachment', id, '--out', 'got.txt']);
    expect(await readFile(join(folder.path, 'got.txt'), 'utf8')).to.equal('three pumps\n');
    await fails('file-exists', 1, ['attachment', id, '--out', 'got.txt']);
    await fails('not-found', 1, ['attachment', id, '1', '--out', 'none.txt']);

    const told = await well(1, ['disclose', id, '--fields', 'price.amount', '--no-receipt', '--out', 'price.json']);
    // Without the receipt nobody can check it yet: the command is named that brings it.
    expect(told.stderr).to.match(/activity receipt 0x\w{8} 0x\w{8} --wait --out price\.json\.receipt\.json/);
    expect(told.stderr).not.to.contain('Anyone can check it');
    await fails('usage-invalid', 1, ['receipt', id, '--wait', 'long']);
    await fails('usage-invalid', 1, ['verify', id, '--offline', '--rpc', 'http://127.0.0.1:1']);
    await fails('not-found', 1, ['verify', id, '0x0000000000']);
    const disclosure = parseDisclosure(await readFile(join(folder.path, 'price.json')));
    expect(readFields(disclosure.body as FieldBody).body).to.deep.equal({ price: { amount: 12 } });
    expect(JSON.stringify(disclosure)).not.to.contain(nodes[1].address);
    await fails('activity-field-unknown', 1, ['disclose', id, '--fields', 'colour', '--no-receipt', '--out', 'x.json']);
    await fails('usage-invalid', 1, ['disclose', id, '--no-receipt']);
  });

  it('names the file that cannot be read as JSON, and what is wrong with it', async () => {
    const start = ['start', '--to', 'Node 2', '--body'];
    await writeFile(join(folder.path, 'mark.json'), '\ufeff{"step":1}');
    await writeFile(join(folder.path, 'cut.json'), '{"step":');
    await writeFile(join(folder.path, 'bytes.json'), Uint8Array.of(0xff, 0xfe));
    const marked = await fails('json-malformed', 0, [...start, 'mark.json']);
    expect(marked.stdout).to.contain('mark.json: it begins with a byte order mark');
    expect((await fails('json-malformed', 0, [...start, 'cut.json'])).stdout).to.contain('cut.json: ');
    expect((await fails('text-not-utf8', 0, [...start, 'bytes.json'])).stdout).to.contain('bytes.json');
    const schema = await fails('json-malformed', 0, [...start, 'order.json', '--schema', 'cut.json']);
    expect(schema.stdout).to.contain('cut.json: ');
    expect((await fails('json-malformed', 0, [...start, '-'])).stdout).to.contain('what is piped in: ');
  });

  it('brings versions in conflict together, notes, and writes the certificate', async () => {
    const first = await sent(0, ['start', '--request', 'trust', '--to', 'Node 2', '--body', '-'], '{"step":1}');
    await reaches(first.message, nodes[1]);
    const id = first.activity;
    // Both build on the first one, before they have heard of each other.
    await nodes[1].close();
    const left = await sent(0, ['update', id, '--body', '-'], '{"step":2}');
    await fails('activity-version-stale', 0, ['update', id, '--body', 'order.json', '--on', first.message]);
    await nodes[0].close();
    await nodes[1].open();
    const right = await sent(1, ['update', id, '--body', '-'], '{"step":3}');
    await nodes[0].open();
    await world.connect();
    await reaches(right.message, nodes[0]);
    await reaches(left.message, nodes[1]);
    const conflict = (await well(0, ['show', id])).stdout;
    expect(conflict).to.contain('2 versions are in conflict').and.to.contain('--merge');
    await fails('usage-invalid', 0, ['ack', id]);
    const merged = await sent(0, ['update', id, '--merge', '--body', '-'], '{"step":4}');
    await reaches(merged.message, nodes[1]);
    expect((await well(0, ['show', id])).stdout).not.to.contain('in conflict');
    // Who has seen the conflict takes the place of no merge that has come since, unseen.
    const late = await fails('activity-version-stale', 1, ['update', id, '--merge', '--body', 'order.json']);
    expect(late.stdout).to.contain(`version ${merged.message.slice(0, 10)} (number 3, by Node 1)`);
    const early = await fails('not-found', 0, ['certificate', id]);
    expect(early.stdout).to.contain('not yet: 1 of 2 have countersigned, missing: Node 2');
    const noted = await sent(1, ['note', id, '--text', 'agreed, by all\nof us']);
    await reaches(noted.message, nodes[0]);
    const { stdout: seen } = await well(0, ['show', id]);
    expect(seen).to.contain(`note ${noted.message.slice(0, 10)} by Node 2`);
    expect(seen).to.contain('| agreed, by all of us');
    const notes = (await well(0, ['messages', id, '--type', 'note'])).stdout.split('\n');
    expect(notes[1]).to.contain(`${noted.message.slice(0, 10)}  note  Node 2`);
    expect(notes[1]).to.contain(merged.message.slice(0, 10));
    const onFirst = ['messages', id, '--on', first.message, '--type', 'update', '--json'];
    const { messages } = (await well(0, onFirst)).json<{ messages: { id: string }[] }>();
    expect(messages.map((message) => message.id)).to.have.members([left.message, right.message]);
    const all = (await well(0, ['messages', id, '--json'])).json<{ messages: object[] }>().messages;
    const newest = (await well(0, ['messages', id, '--limit', '1', '--json'])).json<object>();
    expect(newest).to.deep.include({ messages: all.slice(-1), left: all.length - 1 });
    await fails('usage-invalid', 0, ['messages', id, '--type', 'word']);
    await fails('not-found', 0, ['messages', id, '--on', '0x0000000000']);
    const alone = ['certificate', id, '--no-receipt', '--out', 'trust.json'];
    // Asked for before the last one has signed, and without a pause afterwards.
    const waiting = well(0, [...alone, '--wait', '30']);
    await sent(1, ['ack', id, merged.message.slice(0, 14)]);
    await well(1, ['certificate', id, '--no-receipt', '--out', 'theirs.json']);
    await waiting;
    // The centre behind the server has another log: that is said at once, what is there stays, and the same command goes on.
    const taken = (): Promise<CliRun> => run(0, ['certificate', id, '--out', 'trust.json', '--json']);
    await until('its record', async () => (await taken()).code !== exitCodeOf('record-not-anchored'));
    await fails('record-not-found', 0, ['certificate', id, '--out', 'trust.json']);
    await fails('record-not-found', 0, ['disclose', id, '--whole', '--out', 'whole.json']);
    await fails('file-unreadable', 0, ['update', id, '--body', 'whole.json']);
    await fails('usage-invalid', 0, ['disclose', id, '--whole', '--no-receipt', '--wait']);
    await fails('usage-invalid', 0, ['disclose', id, '--whole', '--wait', 'long']);
    const certificate = JSON.parse(await readFile(join(folder.path, 'trust.json'), 'utf8')) as { signatures: object[] };
    expect(certificate.signatures).to.have.length(2);
    expect((await well(0, ['show', id, merged.message])).stdout).to.contain('"step": 4');
  });

  it('changes members, at once and by vote', async () => {
    const { activity, message } = await sent(0, ['start', '--to', 'Node 2', '--body', 'order.json']);
    await reaches(message, nodes[1]);
    const added = await sent(0, ['members', 'add', activity, 'Node 3', '--role', 'regulator']);
    await reaches(added.message, nodes[1]);
    expect((await well(1, ['members', 'list', activity])).stdout).to.match(/Node 3 +regulator/);
    const proposed = await sent(1, ['members', 'propose', activity, '--remove', 'Node 3']);
    await reaches(proposed.message, nodes[0]);
    expect((await well(0, ['show', activity])).stdout)
      .to.contain('remove Node 3')
      .and.to.contain('open');
    await well(0, ['members', 'vote', activity, proposed.message.slice(0, 10), 'for']);
    await until(
      'the third is gone',
      async () => !(await well(1, ['members', 'list', activity])).stdout.includes('Node 3'),
    );
    // A regulator joins by what a receiver proposes and the initiator approves.
    const asked = await sent(1, ['members', 'propose', activity, '--add', 'Node 3', '--role', 'regulator']);
    await reaches(asked.message, nodes[0]);
    await sent(0, ['members', 'vote', activity, asked.message.slice(0, 10), 'for']);
    await reaches(message, nodes[2]);
    await until('the regulator is in', async () =>
      /Node 3 +regulator/.test((await well(1, ['members', 'list', activity])).stdout),
    );
    expect((await well(1, ['show', activity])).stdout).to.contain('changed 3 times');
    await fails('activity-role', 1, ['members', 'remove', activity, 'Node 1']);
    await well(1, ['members', 'leave', activity]);
    await fails('activity-not-member', 1, ['update', activity, '--body', 'order.json']);
    expect((await well(1, ['show', activity])).stdout).to.contain('is no member any more');
  });

  it('lets a device speak, signed by its own key, until that is taken back', async () => {
    const key = `0x${'77'.repeat(32)}`;
    await writeFile(join(folder.path, 'device key'), key);
    const { address } = (await import('../../../support/activityKit.ts')).person(0x77);
    const issued = await well(0, ['device', 'issue', address, '--name', 'scale 5', '--days', '2', '--json']);
    const { id } = issued.json<{ credential: { id: string } }>().credential;
    expect((await well(0, ['device', 'list'])).stdout)
      .to.contain('scale 5')
      .and.to.contain(address);
    const asDevice = ['--device', id.slice(0, 10), '--key', 'device key'];
    const { activity } = await sent(0, ['start', '--to', 'Node 2', '--body', 'order.json', ...asDevice]);
    expect((await well(0, ['show', activity])).stdout).to.contain('made by the device scale 5');
    await well(0, ['update', activity, '--body', 'order.json', ...asDevice]);
    const inFields = await sent(0, ['update', activity, '--body', 'order.json', '--fields', ...asDevice]);
    expect(inFields.activity).to.equal(activity);
    expect((await well(0, ['show', activity])).stdout).to.contain('made by the device scale 5');
    await well(0, ['note', activity, '--text', 'weighed', ...asDevice]);
    expect((await well(0, ['show', activity])).stdout).to.match(
      /note 0x\w+ by Node 1.*\n {2}made by the device scale 5/,
    );
    await well(0, ['device', 'revoke', id.slice(0, 10)]);
    expect((await well(0, ['device', 'list'])).stdout).to.contain('revoked');
    await fails('device-credential-invalid', 0, ['update', activity, '--body', 'order.json', ...asDevice]);
  });

  it('says that the others refuse what a removed node says, where they have told', async () => {
    const { activity, message } = await sent(0, ['start', '--to', 'Node 2', '--to', 'Node 3', '--body', 'order.json']);
    await reaches(message, nodes[1], nodes[2]);
    await well(0, ['members', 'remove', activity, 'Node 2']);
    await until('it is told', async () =>
      (await nodes[1].desk.show(operator, activity)).doubts.some(({ kind }) => kind === 'excluded'),
    );
    for (const words of [
      ['update', activity, '--body', 'order.json'],
      ['note', activity, '--text', 'in vain'],
    ])
      expect((await well(1, words)).stderr).to.match(/members? told that this node was removed: those will refuse it/);
    const listed = await well(1, ['list']);
    expect(listed.stdout).to.match(new RegExp(`${activity.slice(0, 10)} .* doubtful +`));
    expect(listed.stderr).to.contain('doubtful: members see it in another way');
  });

  it('gives one to a client, who sees that one alone', async () => {
    const client = await servers[0].key('client', ['read', 'submit']);
    const { activity } = await sent(0, ['start', '--to', 'Node 2', '--body', 'order.json']);
    await well(0, ['give', activity, client.id]);
    const { url, ...place } = at(0);
    const seen = await cli(
      { ...place, env: { NOTARIUM_API_KEY: client.secret } },
      'activity',
      'list',
      '--url',
      url,
      '--json',
    );
    const { activities } = seen.json<{ activities: { id: string }[] }>();
    expect(activities.map(({ id }) => id)).to.deep.equal([activity]);
    await fails('not-found', 0, ['give', activity, 'nobody']);
  });

  it('prints no body unasked that would fill the terminal', async () => {
    const { activity, message } = await sent(
      0,
      ['start', '--to', 'Node 2', '--body', '-'],
      JSON.stringify('x'.repeat(9000)),
    );
    const shown = (await well(0, ['show', activity])).stdout;
    expect(shown).not.to.contain('xxx');
    expect(shown).to.contain(`activity show ${activity.slice(0, 10)} ${message.slice(0, 10)}`);
    expect((await run(0, ['show', activity, message])).stdout).to.contain('x'.repeat(9000));
  });

  it('writes a file that another member has named under no name that hides it or is taken for an option', async () => {
    const names: [string, string][] = [
      ['-rf', 'rf'],
      ['..\\..\\.profile', 'profile'],
      ['new\nline.txt', 'newline.txt'],
      ['\u202egnp.exe', 'gnp.exe'],
      ['- .', 'attachment'],
    ];
    for (const [given, name] of names) {
      const { Readable } = await import('node:stream');
      const put = await nodes[0].desk.putAttachment(operator, {
        name: given,
        content: Readable.from([Buffer.from('x')]),
      });
      const began = await nodes[0].desk.start(operator, {
        ...{ kind: 'industrial', request: 'information', receivers: ['Node 2'], body: 1, attachments: [put] },
      });
      await reaches(began.message, nodes[1]);
      await well(1, ['attachment', began.activity]);
      expect(await readFile(join(folder.path, name), 'utf8'), given).to.equal('x');
    }
  });

  it('says what is wrong, each with an exit code of its own kind', async () => {
    const started = ['start', '--to', 'Node 2', '--body', 'order.json'];
    // To whom it went, and not only what was typed.
    expect((await well(0, ['start', '--to', nodes[1].registered.endpoint, '--body', 'order.json'])).stdout).to.match(
      new RegExp(`receiver +Node 2 +${nodes[1].address}`),
    );
    await fails('usage-invalid', 0, [...started, '--fields', '']);
    const unsent = await run(0, [...started, '--attach', 'delivery note.txt', '--attach', 'nothing.pdf']);
    expect(unsent.code).to.equal(exitCodeOf('file-unreadable'));
    expect(unsent.stderr).not.to.contain('sent delivery note.txt');
    const itself = await fails('request-invalid', 0, ['start', '--to', 'Node 1', '--body', 'order.json']);
    expect(itself.stdout).to.contain('Node 1 takes part anyway');
    expect((await fails('request-invalid', 0, [...started, '--to', nodes[1].address])).stdout).to.contain(
      `${nodes[1].address} is named twice`,
    );
    const { activity } = await sent(0, started);
    const known = await fails('request-invalid', 0, ['members', 'add', activity, 'Node 2']);
    expect(known.stdout).to.contain('Node 2 is a member already');
    const fileless = await run(0, ['attachment', activity]);
    expect(fileless.code).to.equal(exitCodeOf('not-found'));
    expect(fileless.stderr).to.contain(`activity messages ${activity.slice(0, 10)}`);
    await writeFile(join(folder.path, 'price.json'), '{"price":12.50}');
    const number = await run(0, ['start', '--to', 'Node 2', '--body', 'price.json']);
    expect(number.code).to.equal(exitCodeOf('json-number-not-canonical'));
    expect(number.stderr).to.contain('12.50').and.to.contain('Write 12.5 for 12.50');
    await writeFile(join(folder.path, 'large.json'), Buffer.alloc((8 << 20) + 1, ' '));
    await fails('json-too-large', 0, ['start', '--to', 'Node 2', '--body', 'large.json']);
    expect((await fails('usage-invalid', 0, ['note', activity])).stdout).to.contain('--body FILE or --text TEXT');
    await fails('party-unknown', 0, ['start', '--to', 'Nobody', '--body', 'order.json']);
    await fails('usage-invalid', 0, ['start', '--body', 'order.json']);
    await fails('usage-invalid', 0, ['start', '--to', 'Node 2']);
    await fails('usage-invalid', 0, [...started, '--kind', 'other']);
    await fails('usage-invalid', 0, ['show', 'order']);
    await fails('activity-unknown', 0, ['show', '0x0000000000']);
    await fails('file-unreadable', 0, ['start', '--to', 'Node 2', '--body', 'nothing.json']);
    await fails('file-unreadable', 0, [...started, '--attach', 'nothing.pdf']);
    // Before any file is sent.
    const [other] = world.add(1);
    other!.registered = { ...other!.registered, status: 'suspended' };
    const attached = ['start', '--body', 'order.json', '--attach', 'nothing.pdf', '--to'];
    await fails('party-unknown', 0, [...attached, 'Nobody']);
    await fails('party-unknown', 0, [...attached, 'Node 2', '--regulator', person(98).address]);
    await fails('party-unfit', 0, [...attached, other!.name]);
    for (const name of [
      nodes[1].name,
      nodes[1].address,
      nodes[1].registered.endpoint,
      `eip155:${activityNetwork.chainId}:${nodes[1].address}`,
    ])
      await fails('file-unreadable', 0, [...attached, name]);
    world.nodes.pop();
    const wrong = await fails('activity-field-unknown', 0, [
      ...started,
      '--attach',
      'nothing.pdf',
      '--fields',
      'colour',
    ]);
    expect(wrong.stderr).not.to.contain('sent ');
    const files = Array.from({ length: 257 }, () => ['--attach', 'delivery note.txt']).flat();
    expect((await fails('usage-invalid', 0, [...started, ...files])).stdout).to.contain('at most 256 files, not 257');
    await fails('json-malformed', 0, ['start', '--to', 'Node 2', '--body', 'delivery note.txt']);
    await writeFile(join(folder.path, 'twice.json'), '{"price":1,"price":2}');
    const twice = await fails('json-duplicate-key', 0, ['start', '--to', 'Node 2', '--body', 'twice.json']);
    expect(twice.stdout).to.contain(String.raw`twice.json: \"price\"`);
    await writeFile(join(folder.path, 'schema.json'), '{"type":"object","required":["colour"]}');
    await fails('activity-body-invalid', 0, [...started, '--schema', 'schema.json']);
    const { url, ...place } = at(0);
    const bare = await cli({ ...place, env: {} }, 'activity', 'list', '--url', url, '--json');
    expect(bare.code).to.equal(exitCodeOf('unauthorized'));
  });
});
