import { statfs } from 'node:fs/promises';
import type { Check, Packet } from '../../core/admission/packet.ts';
import type { Reported } from '../../core/admission/reported.ts';
import { toHex } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { version } from '../../lib/version.ts';
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
  const [known, disk, figures] = await Promise.all([readMachine(), statfs(folder), ownFigures(options)]);
  return {
    software: `notarium ${version}`,
    node: process.version,
    ...known,
    diskBytes: disk.blocks * disk.bsize,
    freeDiskBytes: disk.bavail * disk.bsize,
    ...figures,
  };
}

async function ownFigures({ work, rules, signal, onProgress }: MachineOptions): Promise<Partial<Reported>> {
  const timed: Timed[] = [];
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
  const { roundTripMs: _, ...figures } = measuredOf(timed, rules);
  return figures;
}

const megabytes = (bytes: number): number => Math.max(0, Math.floor(bytes));

/** A machine that tells nothing of a part has said nothing of it: that is no failure. */
async function readMachine(): Promise<Partial<Reported>> {
  // Some hundred kilobytes of which a command that joins nobody needs nothing.
  const { default: si } = await import('systeminformation');
  const [cpu, memory, system, graphics] = (await Promise.all(
    [si.cpu(), si.mem(), si.osInfo(), si.graphics()].map((each) => Promise.resolve(each).catch(() => undefined)),
  )) as [
    Awaited<ReturnType<typeof si.cpu>> | undefined,
    Awaited<ReturnType<typeof si.mem>> | undefined,
    Awaited<ReturnType<typeof si.osInfo>> | undefined,
    Awaited<ReturnType<typeof si.graphics>> | undefined,
  ];
  const controllers = (graphics?.controllers ?? []).map(({ model }) => wordOf(model)).filter((word) => word !== '');
  return {
    ...worded('system', system && `${system.distro} ${system.release}`),
    ...worded('architecture', process.arch),
    ...worded('processor', cpu && `${cpu.manufacturer} ${cpu.brand}`),
    ...(cpu && cpu.cores > 0 ? { cores: cpu.cores } : {}),
    ...(memory ? { memoryBytes: megabytes(memory.total) } : {}),
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
