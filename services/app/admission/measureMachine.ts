import { mkdir, statfs } from 'node:fs/promises';
import type { Check, Packet } from '../../core/admission/packet.ts';
import type { Reported } from '../../core/admission/reported.ts';
import { toHex } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { measuredOf, type Timed } from './measuredOf.ts';
import { planPackets } from './planPackets.ts';
import type { Work } from './work/Work.ts';

/** How a machine is measured. */
export type MachineOptions = {
  readonly work: Work;
  /** Data folder: its disk is the one that counts. */
  readonly folder: string;
  /** Figures are taken of what has a minimum in them, by as much work as an authenticator asks for. */
  readonly rules: AdmissionRules;
  readonly signal?: AbortSignal | undefined;
  /** Told how far the work on a check is, from 0 to 1. */
  readonly onProgress?: (check: Check, done: number) => void;
};

/**
 * What a machine says of itself: nothing that identifies it or its users, no serial number, host name or address.
 * @throws NotariumError `storage-full`, `storage-failed`; the signal's reason.
 */
export async function measureMachine(options: MachineOptions): Promise<Reported> {
  const { folder } = options;
  const machine = await readMachine(folder);
  const timed = await timeWork(options);
  const { roundTripMs: _, ...figures } = measuredOf(timed, options.rules);
  return { ...machine, ...figures };
}

/** The same without figures, which take work. */
export async function readMachine(folder: string): Promise<Reported> {
  await mkdir(folder, { recursive: true });
  // It reads a file of the package, which a centre that joins nobody can do without.
  const { version } = await import('../../lib/version.ts');
  const [parts, disk] = await Promise.all([readParts(), statfs(folder)]);
  return {
    software: `notarium ${version}`,
    node: process.version,
    ...parts,
    diskBytes: disk.blocks * disk.bsize,
    freeDiskBytes: disk.bavail * disk.bsize,
  };
}

async function timeWork({ work, rules, signal, onProgress }: MachineOptions): Promise<Timed[]> {
  const timed: Timed[] = [];
  // The start of the thread is no work.
  await work.start();
  const nonce = toHex(new Uint8Array(32));
  for (const [index, planned] of planPackets(rules).entries()) {
    const packet: Packet = { ...planned, index, nonce };
    // One of a kind is enough to know oneself.
    if (timed.some((before) => before.packet.check === packet.check)) continue;
    onProgress?.(packet.check, 0);
    const startMs = performance.now();
    await work.run(packet, new Uint8Array(32).fill(index), {
      signal,
      onProgress: (done) => onProgress?.(packet.check, done),
    });
    timed.push({ packet, elapsedMs: performance.now() - startMs });
  }
  return timed;
}

/** A machine that tells nothing of a part has said nothing of it: that is no failure. */
async function readParts(): Promise<Partial<Reported>> {
  // Some hundred kilobytes of which a command that joins nobody needs nothing.
  const { default: si } = await import('systeminformation');
  const told = <T>(asked: Promise<T>): Promise<T | undefined> => asked.catch(() => undefined);
  const [cpu, memory, system, graphics] = await Promise.all([
    told(si.cpu()),
    told(si.mem()),
    told(si.osInfo()),
    told(si.graphics()),
  ]);
  const controllers = (graphics?.controllers ?? []).map(({ model }) => wordOf(model)).filter((word) => word !== '');
  return {
    ...worded('system', system && `${system.distro} ${system.release}`),
    ...worded('architecture', process.arch),
    ...worded('processor', cpu && `${cpu.manufacturer} ${cpu.brand}`),
    ...(cpu && cpu.cores > 0 ? { cores: cpu.cores } : {}),
    ...(memory ? { memoryBytes: memory.total } : {}),
    ...(controllers.length > 0 ? { graphics: controllers.slice(0, 16) } : {}),
  };
}

function worded<Name extends keyof Reported>(name: Name, text: string | undefined): Partial<Record<Name, string>> {
  const word = wordOf(text ?? '');
  return word === '' ? {} : ({ [name]: word } as Partial<Record<Name, string>>);
}

/** Of what a system says, what fits the report: printable, and 128 bytes of UTF-8 at most. */
function wordOf(text: string): string {
  const plain = text
    .toWellFormed()
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return plain.slice(0, 128);
}
