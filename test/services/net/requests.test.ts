import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { NotariumError } from '../../../services/core/errors.ts';
import { encodeFrame } from '../../../services/net/frames.ts';
import type { NetLimits, RequestHandler } from '../../../services/net/Net.ts';
import { expectCode } from '../../support/expectCode.ts';
import { until } from '../../support/until.ts';
import {
  closeNets,
  collect,
  connectedPair,
  directoryOf,
  gateOf,
  isConnected,
  network,
  type TestNet,
  testNet,
} from './netKit.ts';
import { rawNode, stopRawNodes } from './rawNode.ts';

const test = '/notarium/test/1';
const inTime = { timeoutMs: 60_000 };

/** Asks a peer that answers by the handler. */
async function asked(handler: RequestHandler, limits: Partial<NetLimits> = {}) {
  const [a, b] = await connectedPair(limits);
  b.handle(test, handler);
  const ask = (frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array> = [], options = inTime) =>
    a.request(b.address, test, frames, options);
  return { a, b, ask };
}

/** A raw node that is a member for the net, and has connected to it. */
async function rawMember(net: TestNet) {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const raw = await rawNode(key);
  net.setDirectory(new Map([[raw.address, raw.multiaddrs]]));
  const connection = await raw.node.dial(multiaddr(net.multiaddrs[0]!));
  await until('connected', () => isConnected(net, raw.address));
  return { ...raw, connection, protocol: `/notarium/${network}/test/1` };
}

describe('net/requests', () => {
  afterEach(() => Promise.all([closeNets(), stopRawNodes()]));

  it('carries frames of any size both ways, whichever side has dialled', async () => {
    const { a, b, ask } = await asked(async function* (frames) {
      for await (const frame of frames) yield frame;
    });
    a.handle(test, async function* (frames, from) {
      expect(from).to.equal(b.address);
      for await (const frame of frames) yield frame;
    });
    const sent = [0, 1, 1000, 300_000, 4 * 1024 * 1024].map((size, index) => new Uint8Array(size).fill(index));
    for (const answer of [await collect(ask(sent)), await collect(b.request(a.address, test, sent, inTime))]) {
      expect(answer.map((frame) => [frame.length, frame[0]])).to.deep.equal(
        sent.map((frame) => [frame.length, frame[0]]),
      );
    }
    expect(await a.metric('messages_total', { name: test, direction: 'out' })).to.be.greaterThan(5);
    expect(await a.metric('bytes_total', { name: test, direction: 'in' })).to.be.greaterThan(8_000_000);
  });

  it('gives what the handler throws: code, detail and data of a NotariumError, nothing of another error', async () => {
    const errors = [
      new NotariumError('block-not-found', 'height 7', { data: { height: 7 } }),
      new NotariumError('pool-full'),
      new NotariumError('pool-full', 'x'.repeat(100_000), { data: { long: 'y'.repeat(100_000) } }),
      new Error('a secret'),
    ];
    const { b, ask } = await asked(async function* () {
      yield Uint8Array.of(1);
      throw errors.shift();
    });
    const found = await expectCode('block-not-found', collect(ask()));
    expect([found.detail, found.data]).to.deep.equal(['height 7', { height: 7 }]);
    expect((await expectCode('pool-full', collect(ask()))).detail).to.equal('');
    const long = await expectCode('pool-full', collect(ask()));
    expect([long.detail.length, long.data]).to.deep.equal([1000, {}]);
    const secret = await expectCode('internal', collect(ask()));
    expect(JSON.stringify([secret.message, secret.data])).not.to.contain('secret');
    expect(b.log.filter(({ level }) => level === 'error')).to.have.length(1);
    expect(b.peers()[0]!.score).to.equal(0);
  });

  it('says that a peer does not serve a protocol', async () => {
    const [a, b] = await connectedPair();
    await expectCode('peer-refused', collect(a.request(b.address, test, [], inTime)));
  });

  it('dials for a request, and says whom it cannot reach', async () => {
    const [a, b, stranger] = await Promise.all([testNet(), testNet(), testNet()]);
    b.handle(test, async function* () {
      yield Uint8Array.of(7);
    });
    b.setDirectory(directoryOf(a));
    a.setDirectory(directoryOf(b));
    expect(await collect(a.request(b.address, test, [], inTime))).to.deep.equal([Uint8Array.of(7)]);
    const unknown = await expectCode('peer-unreachable', collect(a.request(stranger.address, test, [], inTime)));
    expect(unknown.data.peer).to.equal(stranger.address);
    a.setDirectory(new Map([[stranger.address, []]]));
    await expectCode('peer-unreachable', collect(a.request(stranger.address, test, [], inTime)));
  });

  it('ends in time, at both sides', async () => {
    const { a, b, ask } = await asked(async function* (_frames, _from, signal) {
      yield Uint8Array.of(1);
      await aborted(signal);
      ended.open(signal.reason.code);
    });
    const ended = gateOf<string>();
    const error = await expectCode('peer-timeout', collect(ask([], { timeoutMs: 1_000 })));
    expect(error.data).to.deep.equal({ peer: b.address });
    expect(await ended.promise).to.be.oneOf(['peer-timeout', 'peer-unreachable']);
    expect(isConnected(a, b.address)).to.equal(true);
  });

  it('ends at both sides when the caller aborts, or leaves the loop', async () => {
    let ended = 0;
    const { ask } = await asked(async function* (_frames, _from, signal) {
      try {
        yield Uint8Array.of(1);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      } finally {
        ended++;
      }
    });
    const reason = new Error('no longer needed');
    const abort = new AbortController();
    const answer = ask([], { ...inTime, signal: abort.signal } as typeof inTime)[Symbol.asyncIterator]();
    await answer.next();
    abort.abort(reason);
    expect(await answer.next().then(null, (error: unknown) => error)).to.equal(reason);
    await until('the handler ended', () => ended === 1);
    for await (const _frame of ask()) break;
    await until('the handler ended', () => ended === 2);
  });

  it('holds back no frame for one that comes later: each may be an answer to the one before', async () => {
    const { ask } = await asked(async function* (frames) {
      for await (const [number] of frames) yield Uint8Array.of(number! + 1);
    });
    const answers: number[] = [];
    const frames = async function* () {
      for (let number = 0; number < 3; number++) {
        yield Uint8Array.of(10 * number);
        await until('its answer', () => answers.length > number);
      }
    };
    for await (const [answer] of ask(frames())) answers.push(answer!);
    expect(answers).to.deep.equal([1, 11, 21]);
  });

  it('gives the frames before a failure, and then the failure', async () => {
    const { ask } = await asked(async function* () {
      yield Uint8Array.of(1);
      yield Uint8Array.of(2);
      throw new NotariumError('not-found', 'the third');
    });
    const came: number[] = [];
    const read = async (): Promise<void> => {
      for await (const [frame] of ask()) came.push(frame!);
    };
    await expectCode('not-found', read);
    expect(came).to.deep.equal([1, 2]);
  });

  it('throws what the frames of the caller throw', async () => {
    const { ask } = await asked(async function* (frames) {
      for await (const frame of frames) yield frame;
    });
    const failure = new Error('the disk is gone');
    const frames = async function* () {
      yield Uint8Array.of(1);
      throw failure;
    };
    expect(await collect(ask(frames())).then(null, (error: unknown) => error)).to.equal(failure);
  });

  it('fails when the peer is gone in the midst of an answer', async () => {
    const { b, ask } = await asked(async function* (_frames, _from, signal) {
      yield Uint8Array.of(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const answer = ask()[Symbol.asyncIterator]();
    await answer.next();
    await b.close();
    expect((await expectCode('peer-unreachable', answer.next())).data.peer).to.equal(b.address);
  });

  it('fails when this side closes', async () => {
    const { a, ask } = await asked(async function* (_frames, _from, signal) {
      yield Uint8Array.of(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const answer = ask()[Symbol.asyncIterator]();
    await answer.next();
    await a.close();
    await expectCode('peer-unreachable', answer.next());
    await expectCode('peer-unreachable', collect(ask()));
  });

  it('slows the answer down to a slow reader, and the request to a slow handler', async () => {
    const frame = new Uint8Array(100_000);
    let given = 0;
    const release = gateOf();
    const { a, b, ask } = await asked(async function* () {
      for (; given < 200; given++) yield frame;
    });
    const answer = ask()[Symbol.asyncIterator]();
    await answer.next();
    await until('the answer has stopped', () => given > 1 && standsStill(() => given));
    expect(given).to.be.within(2, 60);
    for (let read = 1; read < 200; read++) await answer.next();
    expect((await answer.next()).done).to.equal(true);

    b.handle('/notarium/slow/1', async function* (frames) {
      await release.promise;
      let count = 0;
      for await (const _frame of frames) count++;
      yield Uint8Array.of(count);
    });
    let taken = 0;
    const frames = function* () {
      for (; taken < 200; taken++) yield frame;
    };
    const counted = collect(a.request(b.address, '/notarium/slow/1', frames(), inTime));
    await until('the request has stopped', () => taken > 1 && standsStill(() => taken));
    expect(taken).to.be.within(2, 60);
    release.open();
    expect(await counted).to.deep.equal([Uint8Array.of(200)]);
  });

  it('slows a peer down to the bytes a second that it may send', async () => {
    const { ask } = await asked(
      async function* () {
        for (let index = 0; index < 20; index++) yield new Uint8Array(50_000);
      },
      { bytesPerSecond: 500_000, byteBurst: 100_000 },
    );
    const startMs = performance.now();
    expect(await collect(ask())).to.have.length(20);
    expect(performance.now() - startMs).to.be.within(1000, 60_000);
  });

  it('refuses more open requests than the limit, and takes the next one when one has ended', async () => {
    const release = gateOf();
    let running = 0;
    const { b, ask } = await asked(
      async function* () {
        running++;
        await release.promise;
        yield Uint8Array.of(1);
      },
      { openRequests: 3 },
    );
    const open = [1, 2, 3].map(() => collect(ask()));
    await until('three are running', () => running === 3);
    await expectCode('peer-busy', collect(ask()));
    expect(await b.metric('blamed_points_total', { reason: 'too-many-requests' })).to.equal(1);
    release.open();
    expect((await Promise.all(open)).flat()).to.have.length(3);
    await until('one more is taken', () => collect(ask()));
    expect(running).to.equal(4);
  });

  it('refuses more requests a second than the limit', async () => {
    const { ask } = await asked(
      async function* () {
        yield Uint8Array.of(1);
      },
      { requestsPerSecond: 1, requestBurst: 5 },
    );
    const outcome = (): Promise<string> =>
      collect(ask()).then(
        () => 'done',
        (error: NotariumError) => error.code,
      );
    // Together: one by one, a slow machine would take the seconds that bring more.
    const codes = await Promise.all(Array.from({ length: 10 }, outcome));
    expect(codes.filter((code) => code === 'done').length).to.be.at.least(5);
    expect(new Set(codes)).to.deep.equal(new Set(['done', 'peer-busy']));
    const refusedMs = performance.now();
    // Not asked meanwhile, which would be blamed.
    await until('a second to pass', () => performance.now() > refusedMs + 1100);
    expect(await outcome()).to.equal('done');
  });

  it('sends no frame that is too large, in a request or in an answer', async () => {
    const { a, b, ask } = await asked(
      async function* () {
        yield new Uint8Array(1001);
      },
      { frameBytes: 1000 },
    );
    const error = await expectCode('message-too-large', collect(ask([new Uint8Array(1001)])));
    expect(error.data).to.deep.equal({ have: 1001, want: 1000 });
    await expectCode('message-too-large', collect(ask()));
    expect([...a.peers(), ...b.peers()].map(({ score }) => score)).to.deep.equal([0, 0]);
  });

  it('blames a caller for frames that are too large or none, and cuts it off with the reason', async () => {
    const net = await testNet({ limits: { frameBytes: 1000 } });
    let read = 0;
    net.handle(test, async function* (frames) {
      for await (const _frame of frames) read++;
      yield new Uint8Array();
    });
    const { connection, protocol, address } = await rawMember(net);
    const open = encodeFrame('open', Uint8Array.of(0, 0, 255, 255));
    const faulty = [
      [open, encodeFrame('data', new Uint8Array(1001))],
      [open, Uint8Array.of(77, 0, 0, 0, 0)],
      [encodeFrame('data', new Uint8Array(10))],
      [open, encodeFrame('error', new Uint8Array(10))],
    ];
    for (const frames of faulty) {
      const stream = await connection.newStream(protocol);
      for (const frame of frames) stream.send(frame);
      await until('the stream was reset', () => stream.status !== 'open');
    }
    expect(read).to.equal(0);
    await until('cut off', () => connection.status !== 'open');
    expect(net.peers()[0]!.cutOffReason).to.equal('frame-malformed');
    expect(net.peers()[0]!.score).to.equal(100);
    expect(await net.metric('cut_off_total', { reason: 'frame-malformed' })).to.equal(1);
    expect(await net.metric('blamed_points_total', { reason: 'frame-too-large' })).to.equal(25);
    const said = net.log.filter(({ message }) => message === 'peer cut off');
    expect(said.map(({ data }) => [data.peer, data.reason])).to.deep.equal([[address, 'frame-malformed']]);
    await expectCode('peer-unreachable', collect(net.request(address, test, [], inTime)));
  });

  it('blames a peer whose answer is none, and takes an error that it does not know for an invalid answer', async () => {
    const net = await testNet({ limits: { frameBytes: 1000 } });
    const { node, address, protocol } = await rawMember(net);
    const answers = [
      encodeFrame('data', new Uint8Array(1001)),
      encodeFrame('open', new Uint8Array(4)),
      encodeFrame('error', new TextEncoder().encode('{"code":"pool-full"}')),
      encodeFrame('error', new TextEncoder().encode('{"code":"toString","detail":"","data":{}}')),
    ];
    await node.handle(protocol, async (stream) => {
      stream.addEventListener('message', () => stream.send(answers.shift()!), { once: true });
    });
    const scores = [];
    while (answers.length > 0) {
      await expectCode('peer-answer-invalid', collect(net.request(address, test, [], inTime)));
      scores.push(Math.round(net.peers()[0]!.score));
    }
    expect(scores).to.deep.equal([25, 50, 75, 75]);
  });

  it('counts a stream that is half open as a request, until it has taken too long', async () => {
    const net = await testNet({ limits: { openRequests: 2 } });
    net.handle(test, async function* () {
      yield Uint8Array.of(1);
    });
    const { connection, protocol } = await rawMember(net);
    const silent = [await connection.newStream(protocol), await connection.newStream(protocol)];
    const third = await connection.newStream(protocol);
    const answer: number[] = [];
    third.addEventListener('message', ({ data }) => answer.push(...data.subarray()));
    third.send(encodeFrame('open', Uint8Array.of(0, 0, 255, 255)));
    await until('refused', () => answer[0] === 3);
    await until('reset', () => silent.every(({ status }) => status !== 'open'));
  });
});

/** Resolves when it is aborted, or has been. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** Whether a number has not changed for a while, in which whoever changes it had many turns. */
async function standsStill(look: () => number): Promise<boolean> {
  const before = look();
  const untilMs = performance.now() + 300;
  for (let turn = 0; turn < 1_000 || performance.now() < untilMs; turn++) {
    await new Promise((done) => setImmediate(done));
    if (look() !== before) return false;
  }
  return true;
}
