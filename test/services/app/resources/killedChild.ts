/** A centre that keeps the set `radio` and kills itself (SIGKILL) at a step; argument: {@link KilledCentre} as JSON. */
import { writeFile } from 'node:fs/promises';
import { devKey } from '../../../../scripts/support/developmentKeys.ts';
import { openCentre } from '../../../../services/app/openCentre.ts';
import type { Adapter } from '../../../../services/app/resources/adapters/Adapter.ts';
import { fileAdapter } from '../../../../services/app/resources/adapters/file.ts';
import { openChain } from '../../../../services/chain/openChain.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import { openStore } from '../../../../services/store/openStore.ts';

/** What it is told. */
export type KilledCentre = {
  readonly rpcUrl: string;
  readonly contract: Address;
  readonly fromBlock: number;
  readonly dataDir: string;
  readonly file: string;
  readonly account: number;
  /** State of a version or of a report that has just come to be on disk; `write`: in the middle of writing the resource. */
  readonly killAt: string;
  /** Of which version or its report; of any when left out. */
  readonly killVersion?: number;
  /** PostgreSQL instead of SQLite in the folder. */
  readonly databaseUrl?: string;
  /** Writes something else than version 1; what was there before comes back. */
  readonly writesWrongly: boolean;
};

const told = JSON.parse(process.argv[2]!) as KilledCentre;
const { rpcUrl, contract, fromBlock, dataDir, databaseUrl, file, account, killAt, writesWrongly } = told;
const crypto = await loadCrypto();
const signer = localSigner(devKey(account), crypto);
const chain = await openChain({ rpcUrl, contract, fromBlock, signer, logger: silentLogger });
const { genesisHash, network } = chain.info;
const kept = await openStore({
  ...(databaseUrl === undefined ? { dataDir } : { dataDir, databaseUrl }),
  ...{ network: networkName(network), instance: genesisHash, logger: silentLogger },
});
const at = (state: string, version: number): void => {
  if (state === killAt && (told.killVersion ?? version) === version) process.kill(process.pid, 'SIGKILL');
};
const store: typeof kept = {
  ...kept,
  async saveResource(changed, options) {
    await kept.saveResource(changed, options);
    for (const { state, version } of changed.versions ?? []) at(state, version);
  },
  async saveReport(report, options) {
    await kept.saveReport(report, options);
    at(report.state, report.version);
  },
};
const files = fileAdapter({ path: file });
const adapter: Adapter = {
  ...files,
  async write(written, signal) {
    const isHalf = killAt === 'write' && (told.killVersion ?? written.version) === written.version;
    if (isHalf || (writesWrongly && written.version === 1)) await writeFile(file, '{"half":true}');
    else await files.write(written, signal);
    at('write', written.version);
  },
};
// The test executes what has passed, and must not find that done.
const settings = { watchMs: 100, tickMs: 1_000, threads: 1, autoExecute: false };
await openCentre({
  ...{ store, chain, signer, crypto, settings },
  ...{ resources: () => ({ adapter, repair: false, checkMs: 300 }) },
  ...{ logger: silentLogger, version: 'test', noteSeed: new Uint8Array(32).fill(account + 1) },
});
