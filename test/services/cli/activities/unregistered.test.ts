import { expect } from 'chai';
import { type ActivityHttp, serveActivities, type TestKey } from '../../../support/activityHttp.ts';
import { person } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { type CliRun, cli } from '../../../support/cliKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { stopHttpTests } from '../../../support/httpTest.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information', body: 1 } as const;

describe('a member of an activity that the registry does not have any more', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let carrier: ActivityNode;
  let server: ActivityHttp;
  let key: TestKey;
  let activity: `0x${string}`;
  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, carrier] = await world.open(3);
    server = await serveActivities(buyer.desk);
    key = await server.key('admin', ['admin']);
    const receivers = [seller.name, carrier.name];
    const sent = await buyer.desk.start(operator, { ...order, receivers });
    ({ activity } = sent);
    await reaches(sent.message, seller, carrier);
    // Whoever has its place there is another one.
    carrier.registered = { ...carrier.registered, address: person(99).address, name: 'Another', endpoint: '' };
  });
  afterEach(async () => {
    await stopHttpTests();
    await world.close();
  });

  async function run(...argv: readonly string[]): Promise<CliRun> {
    const [first, ...rest] = argv;
    const place = { cwd: '.', env: { NOTARIUM_API_KEY: key.secret }, stdin: '' };
    const done = await cli(place, 'activity', first!, ...rest, '--url', server.url);
    expect(done.code, done.stderr + done.stdout).to.equal(0);
    return done;
  }
  const membersOf = async (node: ActivityNode) =>
    (await node.desk.show(operator, activity)).members.map(({ address }) => address);

  it('is shown by its address, and is removed by it', async () => {
    const { stdout } = await run('show', activity);
    expect(stdout).to.match(new RegExp(`receiver +${carrier.address}`));
    expect(stdout).to.contain('has an encryption key here that the registry does not have');
    expect((await run('members', 'list', activity)).stdout).to.contain(carrier.address);
    await run('members', 'remove', activity, carrier.address.toUpperCase().replace('0X', '0x'));
    expect(await membersOf(buyer)).to.have.members([buyer.address, seller.address]);
    await until('the other member knows', async () => (await membersOf(seller)).length === 2);
  });

  it('is removed by a vote', async () => {
    const { message } = await seller.desk.propose(operator, activity, { remove: `eip155:31337:${carrier.address}` });
    await reaches(message, buyer);
    expect((await run('show', activity)).stdout).to.contain('proposal');
    await run('members', 'vote', activity, message, 'for');
    for (const node of [buyer, seller])
      await until('it is out', async () => !(await membersOf(node)).includes(carrier.address));
  });

  it('is no other one that is called so', async () => {
    const remove = (party: string) => buyer.desk.changeMembers(operator, activity, { remove: [party] });
    await expectCode('party-unknown', remove(person(98).address));
    await expectCode('request-invalid', remove('Another'));
    await expectCode('party-unknown', remove('Node 3'));
    // Of two that are called so, one is a member.
    world.add(1)[0]!.registered = { ...seller.registered, address: person(97).address };
    await remove(seller.name);
    expect(await membersOf(buyer)).to.have.members([buyer.address, carrier.address]);
  });
});
