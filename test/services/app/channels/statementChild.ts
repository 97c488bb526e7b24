import { join } from 'node:path';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { parties } from '../../core/channels/channelKit.ts';
import { declare } from '../../store/channels/vaultKit.ts';
import { deskVerifier } from './deskVerifier.ts';
import { newRequester, throughWire } from './exchangeKit.ts';

// Both sides of a channel, whose verifier never comes to write a statement, until it is killed: argument 1 is its folder.
const folder = process.argv[2]!;
const { desk, verifier } = await deskVerifier(folder, (keeper) => ({
  ...keeper,
  keep: () => new Promise(() => undefined),
}));
const store = await openChannelStore({ dataDir: join(folder, 'requester'), logger: silentLogger });
const requester = await newRequester(store, throughWire(verifier));
const { channelId } = parties(1n, 1_000_000n).verifier;
for (const text of ['one', 'two', 'three']) {
  const bytes = Buffer.from(text);
  const declared = declare(bytes);
  const { id } = await desk.uploads.create(channelId, declared);
  await desk.uploads.append(channelId, id, 0, [bytes]);
  await requester.preserve({ uploads: [id], digest: declared.digest, count: 1, maxAmount: 10n });
}
process.stdout.write('paid\n');
