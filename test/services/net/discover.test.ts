import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { lookUpPeer } from '../../../services/net/discover.ts';
import { identityOf } from '../../../services/net/identity.ts';
import { expectCode } from '../../support/expectCode.ts';

const { address, peerId } = identityOf(randomBytes(32));
const other = identityOf(randomBytes(32));
const right = `/ip4/192.0.2.1/tcp/4001/p2p/${peerId}`;
const wrong = `/ip4/192.0.2.2/tcp/4001/p2p/${other.peerId}`;
const { signal } = new AbortController();

describe('net/discover', () => {
  let server: Server;
  let endpoint: string;
  let asked: string[];
  let answer: RequestListener;

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url!);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const answers = (body: unknown): void => {
    answer = (_request, response) => response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

  it('gives the multiaddrs of the centre, and none of another', async () => {
    answers({ address, peerId: String(peerId), multiaddrs: [wrong, right, '/ip4/192.0.2.1/tcp/1', 'x'], more: 1 });
    expect(await lookUpPeer(`${endpoint}/`, address, signal)).to.deep.equal([right]);
    expect(asked).to.deep.equal(['/v1/peer']);
  });

  it('takes no answer that is not about the centre', async () => {
    const bodies = [
      'nonsense',
      {},
      { address: other.address, peerId: String(other.peerId), multiaddrs: [wrong] },
      { address, peerId: String(peerId), multiaddrs: [wrong] },
      { address, peerId: String(peerId), multiaddrs: [] },
      { address, peerId: String(peerId), multiaddrs: ['x'.repeat(600)] },
      { address, peerId: String(peerId), multiaddrs: [right], more: 'x'.repeat(17_000) },
    ];
    for (const body of bodies) {
      answers(body);
      const error = await expectCode('peer-answer-invalid', lookUpPeer(endpoint, address, signal));
      expect(error.data).to.deep.equal({ peer: address, endpoint });
    }
  });

  it('follows no redirect, and says which centre does not answer', async () => {
    answer = (_request, response) => response.writeHead(307, { location: '/elsewhere' }).end();
    await expectCode('peer-unreachable', lookUpPeer(endpoint, address, signal));
    expect(asked).to.deep.equal(['/v1/peer']);
    answer = (_request, response) => response.writeHead(404).end('{}');
    await expectCode('peer-unreachable', lookUpPeer(endpoint, address, signal));
    await expectCode('peer-unreachable', lookUpPeer('http://127.0.0.1:1', address, signal));
    await expectCode('peer-unreachable', lookUpPeer('not a place', address, signal));
  });

  it('gives up in time, or when the caller does', async () => {
    answer = (_request, response) => void response.writeHead(200).write('{');
    const timedOut = expectCode('peer-timeout', lookUpPeer(endpoint, address, signal));
    const abort = new AbortController();
    const reason = new Error('closing');
    const aborted = lookUpPeer(endpoint, address, abort.signal).then(null, (error: unknown) => error);
    abort.abort(reason);
    expect(await aborted).to.equal(reason);
    await timedOut;
  });
});
