import { createHmac, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { checkAnswer, type SentPacket } from '../../../../services/app/admission/checkAnswer.ts';
import { DiskCheck } from '../../../../services/app/admission/work/disk.ts';
import { workOn } from '../../../../services/app/admission/work/workOn.ts';
import { answerTo, type Packet, type PacketOf } from '../../../../services/core/admission/packet.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { crypto } from '../../chain/chainKit.ts';

const common = { index: 1, nonce: `0x${'22'.repeat(32)}` as const, windowMs: 1_000 };
const onProgress = () => undefined;

describe('checkAnswer', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder[Symbol.asyncDispose]());
  const rightValues = (packet: Packet, seed: Uint8Array): Hash[] =>
    workOn(packet, seed, { disk: new DiskCheck(folder.path), onProgress });
  const check = (sent: SentPacket, values: readonly Hash[]) => checkAnswer(sent, answerTo(sent.packet, values), crypto);

  it('takes the work of every kind of packet', async () => {
    const seed = new Uint8Array(randomBytes(32));
    const packets: Packet[] = [
      { ...common, check: 'manifest' },
      { ...common, check: 'hashing', checkpoints: 1, checkpointEvery: 1 },
      { ...common, check: 'hashing', checkpoints: 40, checkpointEvery: 1_500 },
      { ...common, check: 'memory', memoryMiB: 3, passes: 3 },
    ];
    for (const packet of packets) await check({ packet, seed }, rightValues(packet, seed));
  });

  it('takes what was written and read back, wherever in the file', async () => {
    const disk = new DiskCheck(folder.path);
    const packet: PacketOf<'disk-write'> = { ...common, check: 'disk-write', mebibytes: 3 };
    const seed = new Uint8Array(randomBytes(32));
    await check({ packet, seed }, workOn(packet, seed, { disk, onProgress }));
    const read: Packet = { ...common, index: 2, check: 'disk-read' };
    const readSeed = new Uint8Array(randomBytes(32));
    const values = workOn(read, readSeed, { disk, onProgress });
    const sent = { packet: read, seed: readSeed, written: { packet, seed } };
    // All three of it are looked at.
    await check(sent, values);
    const zeros = toHex(
      new Uint8Array(
        createHmac('sha256', readSeed)
          .update(new Uint8Array(1 << 20))
          .digest(),
      ),
    );
    const { data } = await expectCode('answer-wrong', check(sent, [values[0]!, zeros, values[2]!]));
    expect(data).to.deep.equal({ check: 'disk-read', at: 1 });
    await expectCode('answer-incomplete', check(sent, values.slice(1)));
  });

  it('finds a single wrong value among as many as it looks at, and the one that follows from it', async () => {
    const seed = new Uint8Array(randomBytes(32));
    const packet: Packet = { ...common, check: 'hashing', checkpoints: 16, checkpointEvery: 3 };
    const values = rightValues(packet, seed);
    for (const at of [0, 7, 15]) {
      const wrong = values.with(at, toHex(randomBytes(32)));
      await expectCode('answer-wrong', check({ packet, seed }, wrong));
    }
    // A chain that was made before the packet: right but for where it begins.
    const early = rightValues(packet, new Uint8Array(32));
    await expectCode('answer-wrong', check({ packet, seed }, values.slice(0, 1).concat(early.slice(1))));
    const passes: Packet = { ...common, check: 'memory', memoryMiB: 1, passes: 8 };
    const [first] = rightValues({ ...passes, passes: 1 }, seed);
    const made = [first!, ...rightValues(passes, new Uint8Array(32)).slice(1)];
    // Two of eight are looked at: one at least is not the first.
    await expectCode('answer-wrong', check({ packet: passes, seed }, made));
  });

  it('keeps the main thread free', async () => {
    const seed = new Uint8Array(randomBytes(32));
    const packet: Packet = { ...common, check: 'hashing', checkpoints: 16, checkpointEvery: 40_000 };
    const values = rightValues(packet, seed);
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await check({ packet, seed }, values);
    isDone = true;
    // At least after each of the 16 stretches, and every 5 ms.
    expect(turns).to.be.at.least(16);
  });
});
