import { toHex } from '../core/bytes.ts';
import { slotAt } from '../core/committee.ts';
import { networkName } from '../core/eip712.ts';
import { rootFromNodes } from '../core/log/proof.ts';
import type { CentreStatus } from './Centre.ts';
import type { CentreParts } from './CentreParts.ts';
import { sideCodes } from './Problems.ts';

/** How a centre is doing now. */
export async function centreStatus(
  { store, network, periodSeconds, problems, metrics, clock, signer, crypto, replication }: CentreParts,
  about: { readonly version: string; readonly startedAt: string; readonly closing: boolean },
): Promise<CentreStatus> {
  await store.refresh();
  const [pool, committed, latest] = await Promise.all([
    store.poolStatus(),
    store.committedBlock(),
    store.latestBlock(),
  ]);
  metrics.height.set(committed?.header.height ?? 0);
  const size = store.logSize();
  const list = problems.list();
  const { oldestAcceptedAt: oldest } = pool;
  return {
    centre: signer.address,
    network: networkName(network),
    version: about.version,
    startedAt: about.startedAt,
    ready: list.every(({ code }) => sideCodes.has(code)) && !about.closing,
    problems: list,
    pool: {
      count: pool.count,
      bytes: pool.bytes,
      oldestAgeSeconds: oldest === null ? null : Math.max(0, Math.round(clock.nowMs() / 1000 - oldest)),
    },
    log: { size, root: toHex(await rootFromNodes(size, store.nodeReader(size))) },
    height: latest?.header.height ?? 0,
    anchoredHeight: committed?.header.height ?? 0,
    slot: slotAt(clock.nowMs(), periodSeconds),
    ...(latest ? { lastPublisher: latest.header.publisher } : {}),
    lagBlocks: (await metrics.lag.get()).values[0]?.value ?? 0,
    peers: (replication?.net.peers() ?? []).map(({ address, isConnected, score, cutOffReason }) => ({
      address,
      connected: isConnected,
      score,
      ...(cutOffReason === undefined ? {} : { cutOffReason }),
    })),
    crypto: crypto.name,
  };
}
