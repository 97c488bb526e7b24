import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { expect } from 'chai';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { addressOfMultiaddr, addressOfPeer, identityOf } from '../../../services/net/identity.ts';
import { crypto } from '../../support/recordKit.ts';

describe('net/identity', () => {
  it('gives the address by which the same key signs', () => {
    for (let run = 0; run < 20; run++) {
      const key = randomBytes(32);
      const { address, peerId } = identityOf(key);
      expect(address).to.equal(localSigner(key, crypto).address);
      expect(addressOfPeer(peerId)).to.equal(address);
      expect(addressOfMultiaddr(`/dns4/centre.example/tcp/4001/p2p/${peerId}`)).to.equal(address);
    }
  });

  it('gives none for keys of other kinds, for no peer id, for the relay of another, and for nonsense', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'));
    const { peerId } = identityOf(randomBytes(32));
    expect(addressOfPeer(other)).to.equal(undefined);
    for (const text of [
      `/ip4/127.0.0.1/tcp/1/p2p/${other}`,
      '/ip4/127.0.0.1/tcp/1',
      `/ip4/127.0.0.1/tcp/1/p2p/${peerId}/p2p-circuit`,
      'nonsense',
      '',
    ]) {
      expect(addressOfMultiaddr(text), text).to.equal(undefined);
    }
  });

  it('takes nothing but a private key', () => {
    expect(() => identityOf(new Uint8Array(31))).to.throw(RangeError);
    expect(() => identityOf(new Uint8Array(32))).to.throw();
  });
});
