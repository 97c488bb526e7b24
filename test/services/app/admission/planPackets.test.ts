import { expect } from 'chai';
import fc from 'fast-check';
import { measuredOf } from '../../../../services/app/admission/measuredOf.ts';
import { planPackets } from '../../../../services/app/admission/planPackets.ts';
import type { Packet } from '../../../../services/core/admission/packet.ts';
import { packetSchema } from '../../../../services/core/admission/packet.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import type { AdmissionRules } from '../../../../services/core/governance/proposalContent.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { easyRules, noWork } from './admissionKit.ts';

const rulesOf = (changes: Partial<AdmissionRules>): AdmissionRules => ({
  manifestHash: `0x${'11'.repeat(32)}` as const,
  ...noWork,
  ...changes,
});
const nonce = `0x${'22'.repeat(32)}` as const;
const sent = (rules: AdmissionRules): Packet[] =>
  planPackets(rules).map((planned, index) => ({ ...planned, index, nonce }) as Packet);

describe('planPackets', () => {
  it('asks for what has a minimum, in windows of half as much again and two seconds', () => {
    const real = { minHashesPerSecond: 1_000_000, memoryMiB: 256, minMemoryPassesPerMinute: 30 };
    expect(planPackets(rulesOf({ ...real, minWrittenMiBPerSecond: 50, minReadMiBPerSecond: 100 }))).to.deep.equal([
      { check: 'manifest', windowMs: 2_000 },
      { check: 'hashing', checkpoints: 256, checkpointEvery: 3_907, windowMs: 3_501 },
      { check: 'hashing', checkpoints: 256, checkpointEvery: 3_907, windowMs: 3_501 },
      { check: 'memory', memoryMiB: 256, passes: 8, windowMs: 26_000 },
      { check: 'disk-write', mebibytes: 100, windowMs: 5_000 },
      { check: 'disk-read', windowMs: 3_500 },
    ]);
    expect(planPackets(rulesOf({}))).to.deep.equal([{ check: 'manifest', windowMs: 2_000 }]);
    // What is to be read has to be written first.
    expect(planPackets(rulesOf({ minReadMiBPerSecond: 1 })).map(({ check }) => check)).to.deep.equal([
      'manifest',
      'disk-write',
      'disk-read',
    ]);
    expect(planPackets(rulesOf({ minWrittenMiBPerSecond: 5_000 })).at(-1)).to.deep.include({ mebibytes: 1_024 });
  });

  it('asks for nothing that a candidate would refuse, whatever the rules are', () => {
    const figure = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    const figures = {
      minHashesPerSecond: figure,
      memoryMiB: figure,
      minMemoryPassesPerMinute: figure,
      minWrittenMiBPerSecond: figure,
      minReadMiBPerSecond: figure,
    };
    fc.assert(
      fc.property(fc.record(figures), (changes) => {
        try {
          for (const packet of sent(rulesOf(changes))) packetSchema.parse(packet);
        } catch (error) {
          if (!isNotariumError(error, 'admission-rules-unusable')) throw error;
          expect(changes.minMemoryPassesPerMinute).to.be.greaterThan(0);
          const { field, have, want } = error.data as { field: keyof typeof changes; have: number; want: number };
          expect(changes[field]).to.equal(have);
          // Only the figure that it names is in the way.
          const mended = { ...changes, [field]: want };
          if (field === 'memoryMiB') mended.minMemoryPassesPerMinute = Math.max(2, mended.minMemoryPassesPerMinute);
          for (const packet of sent(rulesOf(mended))) packetSchema.parse(packet);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('says which figure nobody can be asked for', async () => {
    const slow = rulesOf({ memoryMiB: 1, minMemoryPassesPerMinute: 1 });
    const { data } = await expectCode('admission-rules-unusable', () => planPackets(slow));
    expect(data).to.deep.equal({ field: 'minMemoryPassesPerMinute', have: 1, want: 2 });
  });
});

describe('measuredOf', () => {
  const rules = rulesOf({ ...easyRules, minReadMiBPerSecond: 8 });
  const packets = sent(rules);

  it('takes work by time, without the way to the candidate', () => {
    const elapsed = [100, 600, 1_600, 8_100, 1_100, 2_100];
    const timed = packets.map((packet, at) => ({ packet, elapsedMs: elapsed[at]! }));
    expect(measuredOf(timed, rules)).to.deep.equal({
      roundTripMs: 100,
      hashesPerSecond: Math.floor((100 * 2 * 256 * 20) / 2) / 100,
      memoryPassesPerMinute: 60,
      writtenMiBPerSecond: 16,
      readMiBPerSecond: 8,
    });
    expect(measuredOf(timed.slice(0, 2), rules)).to.have.all.keys('roundTripMs', 'hashesPerSecond');
    expect(measuredOf([], rules)).to.deep.equal({});
  });

  it('believes nobody a long way, and that at least half of a time is work', () => {
    const timed = (firstMs: number, ms: number) =>
      measuredOf(
        [
          { packet: packets[0]!, elapsedMs: firstMs },
          { packet: packets[3]!, elapsedMs: ms },
        ],
        rules,
      );
    expect(timed(2_000, 1_250)).to.deep.equal({ roundTripMs: 2_000, memoryPassesPerMinute: 480 });
    expect(timed(200, 100).memoryPassesPerMinute).to.equal(9_600);
    expect(timed(0, 0).memoryPassesPerMinute).to.equal(480_000);
  });

  it('leaves out what the rules do not ask for', () => {
    const reading = rulesOf({ minReadMiBPerSecond: 8 });
    const timed = sent(reading).map((packet) => ({ packet, elapsedMs: 1_000 }));
    expect(measuredOf(timed, reading)).to.deep.equal({ roundTripMs: 1_000, readMiBPerSecond: 21.33 });
  });
});
