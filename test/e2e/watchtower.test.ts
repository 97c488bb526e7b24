import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import { toHex } from '../../services/core/bytes.ts';
import { jsonWithAmounts } from '../../services/core/channels/amount.ts';
import type { SignedState } from '../../services/core/channels/state.ts';
import { type ChannelTestKit, channelTestKit } from '../services/chain/channels/channelKit.ts';
import { type CentreProcess, startListening } from '../support/centreProcess.ts';
import { devKey, type RunningChain, startChain } from '../support/chains.ts';
import type { SignedHistory } from '../support/channels.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

describe('notarium watchtower', () => {
  let running: RunningChain;
  let kit: ChannelTestKit;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let tower: CentreProcess;
  const start = (): Promise<CentreProcess> => {
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', launcher, 'watchtower'];
    const place = ['--data', folder.path, '--rpc', running.rpcUrl, '--channels', kit.deployed.network.contract];
    const how = ['--key', toHex(devKey(2)), '--port', '0', '--no-rate-limit', '--log-level', 'warn'];
    return startListening([...command, ...place, ...how]);
  };
  const hand = async ({ channelId }: SignedHistory, signed: SignedState): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const body = jsonWithAmounts({ channelId, ...signed });
    return (await fetch(`${tower.url}/v1/states`, { method: 'POST', headers, body })).status;
  };
  const untilChallenged = ({ channelId }: SignedHistory, { state }: SignedState) =>
    until('it is challenged', async () => {
      const now = await kit.requester.status(channelId);
      return now.status === 'closing' && now.version === state.version;
    });

  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await channelTestKit(running.rpcUrl);
    folder = await temporaryFolder();
    tower = await start();
  });
  after(async () => {
    await tower?.kill();
    kit?.close();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  it('challenges an old state that is posted while it was killed, or while it runs', async () => {
    const before = await kit.opened();
    const after = await kit.opened();
    const olds = [await before.pay(1n), await after.pay(1n)];
    const newests = [await before.pay(2n), await after.pay(2n)];
    expect(await hand(before, newests[0]!)).to.equal(200);
    expect(await hand(after, newests[1]!)).to.equal(200);
    await tower.kill();
    await kit.requester.startClosing(before.channel, olds[0]!);
    tower = await start();
    await untilChallenged(before, newests[0]!);
    await kit.verifier.startClosing(after.channel, olds[1]!);
    await untilChallenged(after, newests[1]!);
  });

  it('challenges though it is killed the moment it has sent the challenge', async () => {
    const history = await kit.opened();
    const old = await history.pay(1n);
    const newest = await history.pay(2n);
    expect(await hand(history, newest)).to.equal(200);
    await kit.rpc('evm_setAutomine', [false]);
    try {
      const closing = kit.requester.startClosing(history.channel, old);
      await until('the closing is sent', async () => (await pending()) > 0);
      await kit.rpc('anvil_mine', ['0x1']);
      await closing;
      await until('the challenge is sent', async () => (await pending()) > 0);
      await tower.kill();
      tower = await start();
      await until('it watches', async () => (await fetch(`${tower.url}/readyz`)).ok);
    } finally {
      await kit.rpc('evm_setAutomine', [true]);
    }
    await kit.rpc('anvil_mine', ['0x1']);
    await untilChallenged(history, newest);
    expect(tower.stderr()).to.equal('');
  });

  it('ends cleanly', async () => {
    expect(await tower.stop()).to.deep.equal({ code: 0, signal: null });
  });

  async function pending(): Promise<number> {
    const { pending: waiting } = (await kit.rpc('txpool_status', [])) as { pending: string };
    return Number(waiting);
  }
});
