import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SendLedger } from '../../../../services/app/channels/send/SendLedger.ts';
import { type FileToSend, type SendParts, sendFiles } from '../../../../services/app/channels/send/sendFiles.ts';
import { buildAggregate } from '../../../../services/core/aggregate.ts';
import { concat, fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';

const digestOf = (value: number): Hash => toHex(new Uint8Array(32).fill(value));
const file = (value: number, sizeBytes = 10): FileToSend => ({
  path: `/f${value}`,
  digest: digestOf(value),
  sizeBytes,
  receiptPath: `/f${value}.receipt.json`,
});
const limits = { memberBytes: 100, packBytes: 1000, packCount: 3 };

/** A verifier of nothing: uploads and bills as they were asked for. */
type Sent = SendParts & { readonly uploads: [Hash, string | undefined][]; readonly preserved: Set<Hash> };

describe('sending files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notarium-send-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const parts = async (refused: readonly Hash[] = [], known = new Set<Hash>()): Promise<Sent> => {
    const uploads: [Hash, string | undefined][] = [];
    return {
      uploads,
      preserved: known,
      ledger: await SendLedger.open(join(folder, 'sent.jsonl')),
      isPreserved: async (bill) => known.has(bill),
      resume: () => undefined,
      async upload({ digest, members }, url, onUrl) {
        uploads.push([digest, url]);
        await onUrl(`http://verifier/${digest}`);
        if (members.some((member) => refused.includes(member.digest))) throw new NotariumError('evidence-refused');
        return digest;
      },
      async preserve({ digest }) {
        known.add(digest);
      },
    };
  };
  const statuses = (outcomes: readonly { status: string }[]): string[] => outcomes.map(({ status }) => status);

  it('puts small ones together, large ones alone, and the same content once', async () => {
    const sent = await parts();
    const files = [file(1), file(2, 500), file(3), { ...file(1), path: '/copy', receiptPath: '/copy.receipt.json' }];
    const outcomes = await sendFiles(sent, files, { limits });
    expect(statuses(outcomes)).to.deep.equal(['preserved', 'preserved', 'preserved', 'preserved']);
    const pack = toHex(buildAggregate(concat(fromHex(digestOf(1)), fromHex(digestOf(3)))).root);
    expect([...sent.preserved].sort()).to.deep.equal([pack, digestOf(2)].sort());
    expect(sent.ledger.placeOf(digestOf(3))).to.deep.equal({ bill: pack, index: 1, count: 2 });
  });

  it('sends once more what the verifier has lost', async () => {
    const sent = await parts();
    let lost = 1;
    const forgetful: SendParts = {
      ...sent,
      async preserve(item, upload) {
        if (lost-- > 0) throw new NotariumError('upload-unknown');
        await sent.preserve(item, upload);
      },
    };
    expect(statuses(await sendFiles(forgetful, [file(1)], { limits }))).to.deep.equal(['preserved']);
    expect(sent.uploads).to.deep.equal([
      [digestOf(1), undefined],
      [digestOf(1), undefined],
    ]);
    lost = 2;
    const [outcome] = await sendFiles(forgetful, [file(2)], { limits });
    expect(outcome).to.have.nested.property('error.code', 'upload-unknown');
  });

  it('goes on by the ledger: what is preserved is kept, what has begun is resumed', async () => {
    const first = await parts();
    const broken = { ...first, preserve: () => Promise.reject(new NotariumError('server-unreachable')) };
    expect(statuses(await sendFiles(broken, [file(1), file(2)], { limits }))).to.deep.equal(['failed', 'failed']);
    const [[pack] = []] = first.uploads;
    const second = await parts();
    expect(statuses(await sendFiles(second, [file(1), file(2), file(3)], { limits, parallel: 1 }))).to.deep.equal([
      'preserved',
      'preserved',
      'preserved',
    ]);
    expect(second.uploads).to.deep.equal([
      [pack, `http://verifier/${pack}`],
      [digestOf(3), undefined],
    ]);
    const third = await parts([], second.preserved);
    expect(statuses(await sendFiles(third, [file(1), file(3)], { limits }))).to.deep.equal(['kept', 'kept']);
    expect(third.uploads).to.deep.equal([]);
    expect([...third.ledger.files].map(({ path }) => path)).to.deep.equal(['/f1', '/f2', '/f3']);
  });

  it('waits for what has a bill already, and asks for another one only when that comes to nothing', async () => {
    const begun = new Set([digestOf(1), digestOf(2)]);
    const sent = await parts();
    const resume: SendParts['resume'] = ({ digest }) => {
      if (!begun.has(digest)) return undefined;
      return digest === digestOf(1) ? Promise.resolve() : Promise.reject(new NotariumError('bill-expired'));
    };
    const alone = { limits: { ...limits, packCount: 1 } };
    const outcomes = await sendFiles({ ...sent, resume }, [file(1), file(2), file(3)], alone);
    expect(statuses(outcomes)).to.deep.equal(['preserved', 'preserved', 'preserved']);
    expect(sent.uploads.map(([digest]) => digest).sort()).to.deep.equal([digestOf(2), digestOf(3)]);
  });

  it('does not send what may be paid by its bill still', async () => {
    const sent = await parts();
    await sent.ledger.plan([{ digest: digestOf(1), members: [file(1)] }]);
    const resume = () => Promise.reject(new NotariumError('channel-update-invalid'));
    expect(statuses(await sendFiles({ ...sent, resume }, [file(1)], { limits }))).to.deep.equal(['failed']);
    expect(sent.uploads).to.deep.equal([]);
  });

  it('finds out which one of a pack is refused', async () => {
    const sent = await parts([digestOf(2)]);
    const outcomes = await sendFiles(sent, [file(1), file(2), file(3)], { limits });
    expect(statuses(outcomes)).to.deep.equal(['preserved', 'failed', 'preserved']);
    expect([...sent.preserved]).to.have.members([digestOf(1), digestOf(3)]);
  });

  it('sends nothing more once the channel is empty', async () => {
    const sent = await parts();
    const empty = { ...sent, preserve: () => Promise.reject(new NotariumError('channel-balance-short')) };
    const files = [1, 2, 3, 4].map((value) => file(value, 500));
    const outcomes = await sendFiles(empty, files, { limits, parallel: 1 });
    expect(outcomes.map((outcome) => outcome.status === 'failed' && outcome.error.code)).to.deep.equal(
      Array(4).fill('channel-balance-short'),
    );
    expect(sent.uploads).to.have.length(1);
  });

  it('reads a ledger whose last line was cut off, and writes on', async () => {
    const path = join(folder, 'sent.jsonl');
    await writeFile(path, `{"bill":"${digestOf(1)}","members":["${digestOf(1)}"]}\n{"bill":"0x12`);
    const ledger = await SendLedger.open(path);
    expect(ledger.membersOf(digestOf(1))).to.deep.equal([digestOf(1)]);
    await ledger.uploading(digestOf(1), 'http://verifier/1');
    expect((await SendLedger.open(path)).uploadOf(digestOf(1))).to.equal('http://verifier/1');
  });
});
