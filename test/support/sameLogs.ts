import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import type { CentreStatus } from '../../services/app/Centre.ts';
import type { RecordId } from '../../services/core/bytes.ts';
import type { Committee } from '../../services/core/committee.ts';
import { verifyReceiptOffline } from '../../services/core/verifyReceipt.ts';
import { json, receiptOf } from './centreApi.ts';
import { statusOf } from './centreProcess.ts';
import type { Consortium, Member } from './consortium.ts';
import { logFaults } from './logOf.ts';
import { crypto } from './recordKit.ts';
import { until } from './until.ts';

/**
 * Waits until every running centre has an empty pool and the same log, with so many records (at least so many, where some
 * may have been taken without an answer); answers their statuses.
 */
export function untilSettled(
  { members }: Pick<Consortium, 'members'>,
  records: number | { atLeast: number },
  limitMs = 120_000,
): Promise<CentreStatus[]> {
  let seen: unknown;
  const isRight = (size: number): boolean => (typeof records === 'number' ? size === records : size >= records.atLeast);
  return until(
    'all centres with the same log and empty pools',
    async () => {
      const all = await Promise.all(members.filter(({ isRunning }) => isRunning).map(({ url }) => statusOf(url)));
      seen = all.map(({ pool, log, anchoredHeight, problems, peers }) => ({
        pool: pool.count,
        size: log.size,
        height: anchoredHeight,
        problems,
        connected: peers.filter(({ connected }) => connected).length,
      }));
      const same = all.every(
        ({ log, pool, anchoredHeight }) =>
          pool.count === 0 &&
          isRight(log.size) &&
          log.root === all[0]!.log.root &&
          anchoredHeight === all[0]!.anchoredHeight,
      );
      return same ? all : undefined;
    },
    limitMs,
  ).catch((error: unknown) => {
    throw new Error(
      `${error instanceof Error ? error.message : error}: ${JSON.stringify(seen)}, wanted ${JSON.stringify(records)}`,
    );
  });
}

/** Full tiles of a centre by path, each as its SHA-256. */
async function fullTiles({ dataDir }: Member): Promise<Map<string, string>> {
  const root = join(dataDir, 'log', 'tile');
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter(
    (file) => file.isFile() && !/\.p$/.test(file.parentPath),
  );
  const tiles = new Map<string, string>();
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    tiles.set(
      relative(root, path),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  }
  return new Map([...tiles].sort());
}

/**
 * What must hold after every fault: every acknowledged record is in the log exactly once, with a receipt that verifies
 * offline and against the chain, full tiles of all running centres are byte-identical, and so are the texts of their
 * checkpoints.
 */
export async function expectSameLogs(
  { members, network }: Consortium,
  ids: readonly RecordId[],
  { receipts = 20 } = {},
): Promise<void> {
  const running = members.filter(({ isRunning }) => isRunning);
  // Partial tiles go while we look.
  const tilesOf = (member: Member) => until('the full tiles', () => fullTiles(member));
  const [first, ...others] = await Promise.all(running.map(tilesOf));
  for (const tiles of others) expect([...tiles]).to.deep.equal([...first!]);
  const texts = await Promise.all(
    running.map(async ({ url }) => (await (await fetch(`${url}/log/checkpoint`)).text()).split('\n\n')[0]),
  );
  expect(new Set(texts).size, texts.join('\n')).to.equal(1);
  const step = Math.max(1, Math.floor(ids.length / receipts));
  const faults = await logFaults(running[0]!.url, ids);
  expect(faults, JSON.stringify(faults).slice(0, 1000)).to.deep.equal({});
  for (let at = 0; at < ids.length; at += step) {
    const { url } = running[at % running.length]!;
    const receipt = await receiptOf(url, { id: ids[at]! });
    const { body: facts } = await json(`${url}/v1/network`);
    const committees = facts.committees as Committee[];
    const offline = verifyReceiptOffline(receipt, { network, committees, crypto });
    expect(offline, JSON.stringify(offline)).to.include({ ok: true });
    const { body: online } = await json(`${running[(at + 1) % running.length]!.url}/v1/verify`, {
      method: 'POST',
      body: JSON.stringify({ receipt }),
      headers: { 'content-type': 'application/json' },
    });
    expect(online, JSON.stringify(online)).to.include({ ok: true });
  }
}
