import { access, constants, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { sizeText } from '../Progress.ts';
import { type Check, found, ok } from './Check.ts';

/** Node, processors and memory. */
export function checkMachine(): Check[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const node = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const cores = availableParallelism();
  const memory = `${cores} cores, ${sizeText(totalmem())} memory, ${sizeText(freemem())} free`;
  return [
    major > 22 || (major === 22 && minor >= 18)
      ? ok('node', node)
      : found('fail', 'node', node, 'Install Node 22.18 or newer.'),
    cores < 2 || totalmem() < 1e9
      ? found('warn', 'machine', memory, 'A centre wants 2 cores and 1 GB.')
      : ok('machine', memory),
  ];
}

/** Which cryptography loads. */
export async function checkCrypto(): Promise<Check> {
  const { name } = await loadCrypto();
  return name === 'secp256k1-native'
    ? ok('crypto', name)
    : found(
        'warn',
        'crypto',
        `${name}: signatures are checked about four times slower`,
        'Use a platform for which the package secp256k1 has a prebuilt addon.',
      );
}

const syncs = 50;

/** Space, rights and sync speed of the data folder, or of the nearest folder above that is there. */
export async function checkData(folder: string): Promise<Check[]> {
  const place = await nearest(folder);
  let probe: string;
  try {
    probe = await mkdtemp(join(place, '.notarium-doctor-'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      found(
        'fail',
        'data folder',
        `${place} cannot be written (${code})`,
        'Give --data a folder that this user may write.',
      ),
    ];
  }
  try {
    const { bavail, bsize } = await statfs(probe);
    const freeBytes = bavail * bsize;
    const perSecond = await syncSpeed(join(probe, 'probe'));
    const speed = `${Math.round(perSecond)} syncs a second`;
    const figures = { freeBytes, syncsPerSecond: Math.round(perSecond) };
    return [
      freeBytes < 1e9
        ? found(
            freeBytes < 1e8 ? 'fail' : 'warn',
            'disk space',
            `${sizeText(freeBytes)} free in ${place}`,
            'Make room: a full disk takes no record.',
            figures,
          )
        : ok('disk space', `${sizeText(freeBytes)} free in ${place}`, figures),
      perSecond < 50
        ? found('warn', 'disk sync', speed, 'Use a local SSD: each group of records waits for one sync.', figures)
        : ok('disk sync', speed, figures),
    ];
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

async function nearest(folder: string): Promise<string> {
  try {
    await access(folder, constants.F_OK);
    return folder;
  } catch (error) {
    const above = dirname(folder);
    if (above === folder || (error as NodeJS.ErrnoException).code !== 'ENOENT') return folder;
    return nearest(above);
  }
}

async function syncSpeed(path: string): Promise<number> {
  const file = await open(path, 'w');
  try {
    const bytes = new Uint8Array(300);
    const startMs = performance.now();
    for (let count = 0; count < syncs; count++) {
      await file.write(bytes);
      await file.datasync();
    }
    return (syncs * 1000) / (performance.now() - startMs);
  } finally {
    await file.close();
  }
}

/** Whether a centre could listen there. `ownCentre`: a centre answers there already. */
export async function checkPort(host: string, port: number, ownCentre: boolean): Promise<Check> {
  const place = `${host}:${port}`;
  const code = await new Promise<string | undefined>((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)));
  });
  if (code === undefined) return ok('port', `${place} is free`);
  if (code === 'EADDRINUSE' && ownCentre) return ok('port', `${place} is in use by the centre`);
  const mend =
    code === 'EADDRINUSE' ? 'Stop what uses it, or choose another by --port.' : 'Choose another by --host and --port.';
  return found('fail', 'port', `${place}: ${code}`, mend);
}
