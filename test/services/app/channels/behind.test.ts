import { Settlement } from '../../../../services/app/channels/Settlement.ts';
import type { ChannelChain } from '../../../../services/chain/channels/ChannelChain.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
import { settlingSide } from '../../../support/settlingSide.ts';
import { until } from '../../../support/until.ts';
import { type ChannelTestKit, channelTestKit } from '../../chain/channels/channelKit.ts';

describe('a node of the chain that is behind the one that told of a closing', () => {
  let running: RunningChain;
  let kit: ChannelTestKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await channelTestKit(running.rpcUrl);
  });
  after(async () => {
    kit?.close();
    await running?.stop();
  });

  for (const role of ['verifier', 'watchtower'] as const) {
    it(`keeps no ${role} from challenging an old state`, async () => {
      const history = await kit.opened();
      const old = await history.pay(10n);
      const newest = await history.pay(5n);
      const side = settlingSide(role);
      side.add(history);
      const own = role === 'verifier' ? kit.verifier : kit.stranger;
      let behind = 3;
      const chain: ChannelChain = {
        ...own,
        async status(id) {
          const now = await own.status(id);
          return now.status === 'closing' && behind-- > 0 ? { status: 'open' } : now;
        },
      };
      const settings = { pollMs: 20, safetySeconds: 100, retrySeconds: 0 };
      // The chain's time alone counts.
      const clock = { ...systemClock, nowMs: () => 0 };
      const settlement = new Settlement({ chain, side, logger: silentLogger, clock, settings });
      settlement.start();
      try {
        await until('it has looked', () => side.statuses.includes('open'));
        await kit.requester.startClosing(history.channel, old);
        await until('it has challenged', async () => {
          const now = await kit.stranger.status(history.channelId);
          return now.status === 'closing' && now.version === newest.state.version;
        });
      } finally {
        await settlement.close();
      }
    });
  }
});
