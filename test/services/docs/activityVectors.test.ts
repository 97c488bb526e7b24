/**
 * A second implementation of the formats of private activities, written from docs/protocol.md: it uses nothing of services/, so that whoever
 * writes a verifier from that page finds what this one has found.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { recoverAddress, verifyTypedData } from 'ethers';
import { type GeneralJWE, generalDecrypt, importJWK } from 'jose';
import { activityVectors, vectorsText } from '../../support/activityVectors.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
// biome-ignore lint/suspicious/noExplicitAny: a file, read as whoever has nothing but the page reads it
type Any = any;

const text = readFileSync(new URL('../../vectors/activities.json', import.meta.url), 'utf8');
const vectors: Any = JSON.parse(text);
const { people, messages, domain }: Any = vectors;
const networkName = `eip155:${domain.chainId}:${domain.verifyingContract}`;

const raw = (hex: string): Buffer => Buffer.from(hex.slice(2), 'hex');
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;
const sha256 = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hex(hash.digest());
};
const hmac = (key: string, ...parts: (string | Uint8Array)[]): Buffer => {
  const mac = createHmac('sha256', raw(key));
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** RFC 8785: names by their UTF-16 code units, as JavaScript compares texts. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}

/** Who has signed EIP-712 data. */
function signerOf(type: string, value: object, signature: string): string {
  const [, name, fields] = /^(\w+)\((.*)\)$/.exec(type)!;
  const types = {
    [name!]: fields!.split(',').map((field) => ({ type: field.split(' ')[0]!, name: field.split(' ')[1]! })),
  };
  return verifyTypedData(domain, types, value as Record<string, unknown>, signature).toLowerCase();
}

function shown(head: Any): Any {
  if (!('secret' in head)) return head;
  const { signature, ...origin } = head.origin;
  return { ...head, secret: sha256(raw(head.secret)), origin: { ...origin, signatureDigest: sha256(raw(signature)) } };
}
const shownFile = ({ key, ...rest }: Any): Any => ({ ...rest, keyDigest: sha256(raw(key)) });
const headCommitment = (head: Any): string => sha256(canonical(head));
const bodyCommitment = (body: Any): string =>
  sha256(canonical('sdJwt' in body ? { salt: body.salt, sdJwt: body.sdJwt } : body));
const filesCommitment = (salt: string, list: readonly string[]): string => sha256(canonical({ salt, list }));
const idOf = ({ head, body, attachments }: Any): string =>
  sha256('notarium-activity-message/1\n', raw(head), raw(body), raw(attachments));
const sealDigestOf = ({ protected: header, iv, ciphertextDigest, tag }: Any): string =>
  sha256(`${header}.${iv}.${ciphertextDigest.slice(2)}.${tag}`);
const certificateType = 'ActivityTrust(bytes32 message,address[] members)';

function jwkOf(person: Any): Any {
  const x = raw(person.x25519Public).toString('base64url');
  return { kty: 'OKP', crv: 'X25519', x, d: raw(person.x25519Secret).toString('base64url') };
}

/** RFC 7518, section 4.6, and RFC 3394. */
function wrapped(contentKey: string, ephemeral: string, to: string): { encryptedKey: string; x: string } {
  const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
  const secret = createPrivateKey({ key: Buffer.concat([prefix, raw(ephemeral)]), format: 'der', type: 'pkcs8' });
  const x = raw(to).toString('base64url');
  const shared = diffieHellman({
    privateKey: secret,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' }),
  });
  const word = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
  const algorithm = 'ECDH-ES+A256KW';
  const about = Buffer.concat([word(algorithm.length), Buffer.from(algorithm), word(0), word(0), word(256)]);
  const key = createHash('sha256').update(word(1)).update(shared).update(about).digest();
  const cipher = createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
  const encryptedKey = Buffer.concat([cipher.update(raw(contentKey)), cipher.final()]).toString('base64url');
  return { encryptedKey, x: createPublicKey(secret).export({ format: 'jwk' }).x! };
}

describe('test/vectors/activities.json', () => {
  it('is what this version makes: else run scripts/activity-vectors.ts', async () => {
    expect(text).to.equal(vectorsText(await activityVectors()));
  });

  it('has every type of message', () => {
    const types = new Set(messages.map(({ parcel }: Any) => parcel.head.type));
    expect([...types]).to.have.members(
      'start update note countersignature certificate proposal vote leave members'.split(' '),
    );
  });

  for (const { parcel, ...want } of messages) {
    const { head, body, attachments, signature } = parcel;
    describe(`${head.type} ${want.id.slice(0, 10)}`, () => {
      it('has its commitments, its id and the signature of its sender', () => {
        expect(canonical(parcel)).to.equal(want.canonical);
        const commitments = {
          head: headCommitment(shown(head)),
          body: bodyCommitment(body),
          attachments: filesCommitment(
            attachments.salt,
            attachments.list.map((file: Any) => sha256(canonical(shownFile(file)))),
          ),
        };
        expect(commitments).to.deep.equal(want.commitments);
        expect(idOf(commitments)).to.equal(want.id);
        expect(head.network).to.equal(networkName);
        const said = { activity: head.activity, epoch: head.epoch, id: want.id };
        expect(signerOf('ActivityMessage(bytes32 activity,uint64 epoch,bytes32 id)', said, signature)).to.equal(
          head.sender,
        );
        expect(head.fields).to.equal('sdJwt' in body ? sha256(canonical(body.disclosures)) : undefined);
      });

      it('is sealed as the secret of its epoch says', () => {
        const { epochSecret: secret, sealed } = want;
        expect(hex(hmac(secret, raw(want.id)))).to.equal(want.blindedGroup);
        const key = hmac(secret, 'notarium-activity-key/1\n', raw(want.id));
        expect(hex(key)).to.equal(want.contentKey);
        const iv = hmac(secret, 'notarium-activity-nonce/1\n', raw(want.id)).subarray(0, 12);
        const header = `{"enc":"A256GCM","typ":"notarium-activity/1","grp":"${want.blindedGroup}","epo":${head.epoch},"mid":"${want.id}"}`;
        const protectedHeader = Buffer.from(header).toString('base64url');
        expect(sealed.protected).to.equal(protectedHeader);
        expect(sealed.iv).to.equal(iv.toString('base64url'));
        const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedHeader));
        const ciphertext = Buffer.concat([cipher.update(want.canonical), cipher.final()]).toString('base64url');
        expect(sealed.ciphertext).to.equal(ciphertext);
        expect(sealed.tag).to.equal(cipher.getAuthTag().toString('base64url'));
        const seal = {
          ...{ protected: protectedHeader, iv: sealed.iv, tag: sealed.tag, ciphertextDigest: sha256(ciphertext) },
        };
        expect(seal).to.deep.equal(want.seal);
        expect(sealDigestOf(seal)).to.equal(want.sealDigest);
        expect(want.record).to.deep.equal({
          kind: 'activity',
          subject: `urn:notarium:activity:${want.blindedGroup.slice(2)}`,
          digest: `sha-256:${want.sealDigest.slice(2)}`,
        });
      });

      it('has its key wrapped for each member, who opens it with jose', async () => {
        const { recipients } = want.sealed;
        expect(recipients).to.have.length(want.ephemeralSecrets.length);
        for (const [index, recipient] of recipients.entries()) {
          const { alg, kid, epk } = recipient.header;
          const { encryptedKey, x } = wrapped(want.contentKey, want.ephemeralSecrets[index], kid);
          expect([alg, epk, recipient.encrypted_key]).to.deep.equal([
            'ECDH-ES+A256KW',
            { kty: 'OKP', crv: 'X25519', x },
            encryptedKey,
          ]);
          const member = people.find(({ x25519Public }: Any) => x25519Public === kid);
          const jwe = { ...want.sealed, recipients: [recipient] } as GeneralJWE;
          const { plaintext } = await generalDecrypt(jwe, await importJWK(jwkOf(member), 'ECDH-ES+A256KW'));
          expect(Buffer.from(plaintext).toString()).to.equal(want.canonical);
        }
      });

      if ('membership' in head)
        it('opens an epoch', () => {
          const { network, activity, sender, terms, membership, secret, heads = [], proposal, left, origin } = head;
          const { initiator, salt, signature } = origin;
          expect(sha256('notarium-activity/1\n', canonical({ network, initiator, salt }))).to.equal(activity);
          expect(signerOf('ActivityOrigin(bytes32 salt)', { salt }, signature)).to.equal(initiator);
          const bound = {
            ...{ activity, sender, terms, membership, secret, heads },
            ...(proposal ? { proposal } : {}),
            ...(left ? { left } : {}),
          };
          expect(sha256(canonical(bound))).to.equal(head.group);
          expect([want.epochSecret, head.epoch]).to.deep.equal([secret, membership.epoch]);
          const addresses = membership.members.map(({ address }: Any) => address);
          expect(addresses).to.deep.equal(addresses.toSorted());
          expect(want.sealed.recipients.map(({ header }: Any) => header.kid).toSorted()).to.deep.equal(
            membership.members.map(({ key }: Any) => key).toSorted(),
          );
          if (membership.epoch === 0) return;
          const before = messages.find(({ parcel: { head: other } }: Any) => other.group === membership.previous);
          expect(before.parcel.head.epoch).to.equal(membership.epoch - 1);
        });
    });
  }

  const messageWith = (id: string): Any => messages.find((message: Any) => message.id === id);
  const ofType = (type: string): Any[] => messages.filter(({ parcel }: Any) => parcel.head.type === type);

  const ofDevice = ofType('note').filter(({ parcel }: Any) => parcel.head.device);

  /** What a device signs of a body: of one in fields what its operator has signed as well, without the place. */
  function saidBody({ salt, sdJwt }: Any, commitment: string): string {
    if (sdJwt === undefined) return commitment;
    const { body } = JSON.parse(Buffer.from(sdJwt.split('.')[1], 'base64url').toString());
    return sha256(canonical({ salt, packed: body }));
  }

  it('has two notes by a device, the second one in fields', () => {
    expect(ofDevice.map(({ parcel }: Any) => 'sdJwt' in parcel.body)).to.deep.equal([false, true]);
  });

  for (const [number, { parcel, commitments }] of ofDevice.entries())
    it(`has a device’s word for a note of its operator: ${number}`, () => {
      const { credential, time, signature } = parcel.head.device;
      const { signature: granted, ...said } = credential;
      expect(
        signerOf(
          'DeviceCredential(bytes32 id,address operator,address device,string name,uint64 notBefore,uint64 expires)',
          said,
          granted,
        ),
      ).to.equal(parcel.head.sender);
      expect(credential.operator).to.equal(parcel.head.sender);
      const statement = {
        ...{ credential: credential.id, activity: parcel.head.activity, type: 'note', on: [parcel.head.on], time },
        ...{ body: saidBody(parcel.body, commitments.body), attachments: commitments.attachments },
      };
      expect(
        signerOf(
          'DeviceStatement(bytes32 credential,bytes32 activity,string type,bytes32[] on,uint64 time,bytes32 body,bytes32 attachments)',
          statement,
          signature,
        ),
      ).to.equal(credential.device);
      for (const at of [time, Date.parse(parcel.head.time) / 1000])
        expect(at).to.be.within(credential.notBefore, credential.expires);
    });

  /** The body of an SD-JWT, and who has signed it. */
  function fieldsOf(sdJwt: string, disclosures: readonly string[]): Any {
    const [header, payload, signature] = sdJwt.split('.') as [string, string, string];
    const { kid, ...rest } = JSON.parse(Buffer.from(header, 'base64url').toString());
    expect(rest).to.deep.equal({ typ: 'notarium-body+sd-jwt', alg: 'ES256K' });
    const rs = Buffer.from(signature, 'base64url');
    expect(rs).to.have.length(64);
    const digest = sha256(`${header}.${payload}`);
    const keys = [27, 28].map((v) => recoverAddress(digest, hex(Buffer.concat([rs, Uint8Array.of(v)]))).toLowerCase());
    expect(keys).to.include(kid);
    const { head, attachments } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return { body: revealed(payload, disclosures), author: kid, head, attachments };
  }

  /** RFC 9901, section 7.1, step 3: digests are replaced by what they stand for, or go. */
  function revealed(payload: string, disclosures: readonly string[]): unknown {
    const decoded = (part: string): Any => JSON.parse(Buffer.from(part, 'base64url').toString());
    const digestOf = (part: string): string => createHash('sha256').update(part).digest('base64url');
    const byDigest = new Map<string, Any>(disclosures.map((part) => [digestOf(part), decoded(part)]));
    const fill = (value: Any): Any => {
      if (Array.isArray(value))
        return value.flatMap((item) => {
          if (item === null || typeof item !== 'object' || !('...' in item)) return [fill(item)];
          const found: Any = byDigest.get(item['...']);
          return found ? [fill(found[1])] : [];
        });
      if (typeof value !== 'object' || value === null) return value;
      const { _sd = [], ...rest } = value;
      const hidden = _sd.flatMap((digest: string) => {
        const found: Any = byDigest.get(digest);
        return found ? [[found[1], found[2]]] : [];
      });
      return Object.fromEntries([...Object.entries(rest), ...hidden].map(([name, each]) => [name, fill(each)]));
    };
    return fill(decoded(payload).body);
  }

  it('has a body in fields', () => {
    const [{ parcel }] = ofType('update');
    const { sdJwt, disclosures } = parcel.body;
    const { head, attachments } = messages.find((message: Any) => message.parcel === parcel).commitments;
    expect(fieldsOf(sdJwt, disclosures)).to.deep.equal({
      ...{ body: vectors.bodyInFields, author: parcel.head.sender, head, attachments },
    });
    const payload = JSON.parse(Buffer.from(sdJwt.split('.')[1], 'base64url').toString());
    expect(Object.keys(payload).toSorted()).to.deep.equal(['_sd_alg', 'attachments', 'body', 'head']);
    expect(Object.keys(payload.body)).to.deep.equal(['_sd']);
    expect(disclosures).to.have.length(10);
  });

  it('has countersignatures, and the certificate that is made of them', () => {
    const signatures: Any[] = [];
    const { certificate, digest } = vectors.certificate;
    for (const { parcel } of ofType('countersignature')) {
      const { on: message, signature, sender } = parcel.head;
      expect(message).to.equal(certificate.message);
      expect(signerOf(certificateType, { message, members: certificate.members }, signature)).to.equal(sender);
      signatures.push({ member: sender, signature });
    }
    const [{ id: certified, epochSecret }] = ofType('certificate');
    expect(certificate).to.deep.equal({
      ...{ format: 'notarium-trust-certificate/1', network: networkName, message: certificate.message },
      salt: hex(hmac(epochSecret, 'notarium-trust-certificate-salt/1\n', raw(certified))),
      members: people
        .slice(0, 3)
        .map(({ address }: Any) => address)
        .toSorted(),
      signatures: signatures.toSorted((a, b) => (a.member < b.member ? -1 : 1)),
    });
    expect(sha256(canonical(certificate))).to.equal(digest);
    const [{ parcel }] = ofType('certificate');
    const { on, members, signatures: given } = parcel.head;
    expect({ on, members, given }).to.deep.equal({
      ...{ on: certificate.message, members: certificate.members, given: certificate.signatures },
    });
  });

  it('has acknowledgements', () => {
    for (const { signature, member, ...said } of vectors.acknowledgements)
      expect(signerOf('ActivityAck(bytes32 seal,string stage,uint64 time)', said, signature)).to.equal(member);
    expect(vectors.acknowledgements.map(({ stage }: Any) => stage)).to.deep.equal(['delivered', 'read']);
  });

  it('has a copy for one member, with the same seal', async () => {
    const { of, ephemeralSecret, envelope } = vectors.copy;
    const { sealed, contentKey, canonical: want } = messageWith(of);
    const [recipient, ...others] = envelope.sealed.recipients;
    expect([others, envelope.copy]).to.deep.equal([[], true]);
    expect({ ...envelope.sealed, recipients: [] }).to.deep.equal({ ...sealed, recipients: [] });
    const { encryptedKey, x } = wrapped(contentKey, ephemeralSecret, recipient.header.kid);
    expect([recipient.encrypted_key, recipient.header.epk.x]).to.deep.equal([encryptedKey, x]);
    const member = people.find(({ x25519Public }: Any) => x25519Public === recipient.header.kid);
    const { plaintext } = await generalDecrypt(envelope.sealed, await importJWK(jwkOf(member), 'ECDH-ES+A256KW'));
    expect(Buffer.from(plaintext).toString()).to.equal(want);
  });

  it('has the digest by which two members compare what they have', () => {
    const { ids, digest } = vectors.comparison;
    expect(ids).to.deep.equal(messages.map(({ id }: Any) => id).toSorted());
    expect(sha256('notarium-activity-messages/1\n', ...ids.map(raw))).to.equal(digest);
  });

  it('has an attachment', () => {
    const { summary, header, firstNonce, firstTag, rest, plainDigest } = vectors.attachment;
    const plain = Buffer.concat([Buffer.alloc(65_536, 'notarium '), Buffer.from('the last piece')]);
    expect([sha256(plain), plain.length]).to.deep.equal([plainDigest, summary.sizeBytes]);
    const magic = Buffer.from('notarium-sealed/1\n');
    expect(raw(header).subarray(0, 18)).to.deep.equal(magic);
    const key = new Uint8Array(hkdfSync('sha256', raw(summary.key), raw(header).subarray(18), 'notarium-sealed/1', 32));
    const first = createCipheriv('aes-256-gcm', key, raw(firstNonce)).setAAD(Buffer.alloc(9));
    const chunk = Buffer.concat([first.update(plain.subarray(0, 65_536)), first.final()]);
    expect(hex(first.getAuthTag())).to.equal(firstTag);
    const last = raw(rest);
    const place = Buffer.from('000000000000000101', 'hex');
    const decipher = createDecipheriv('aes-256-gcm', key, last.subarray(0, 12)).setAAD(place);
    decipher.setAuthTag(last.subarray(26, 42));
    expect(Buffer.concat([decipher.update(last.subarray(12, 26)), decipher.final()]).toString()).to.equal(
      'the last piece',
    );
    const before = Buffer.concat([raw(header), raw(firstNonce), chunk, raw(firstTag), last.subarray(0, 42)]);
    expect(hex(last.subarray(42))).to.equal(sha256(before));
    const whole = Buffer.concat([before, last.subarray(42)]);
    expect([sha256(whole), whole.length, sha256(plain)]).to.deep.equal([
      ...[summary.sealedDigest, summary.sealedBytes, summary.digest],
    ]);
  });

  for (const { what, text: file } of vectors.disclosures) {
    it(`has a disclosure: ${what}`, () => {
      const disclosure = JSON.parse(file);
      expect(file).to.equal(`${canonical(disclosure)}\n`);
      const { format, seal, commitments, body, author, attachments } = disclosure;
      expect(format).to.equal('notarium-disclosure/1');
      if (body) {
        expect(bodyCommitment(body)).to.equal(commitments.body);
        if ('sdJwt' in body)
          expect(fieldsOf(body.sdJwt, body.disclosures)).to.deep.include({
            body: { price: { amount: 12.5 } },
            ...{ head: commitments.head, attachments: commitments.attachments },
          });
      }
      const id = idOf(commitments);
      if (author) {
        expect(headCommitment(author.head)).to.equal(commitments.head);
        const { activity, epoch, sender } = author.head;
        const type = 'ActivityMessage(bytes32 activity,uint64 epoch,bytes32 id)';
        expect(signerOf(type, { activity, epoch, id }, author.signature)).to.equal(sender);
        const { parcel } = messageWith(id);
        expect(author.head).to.deep.equal(shown(parcel.head));
        expect(file).to.not.contain(parcel.head.secret).and.not.contain(parcel.head.origin.signature);
      }
      if (attachments) {
        const { salt, list, shown: files } = attachments;
        for (const { index, attachment } of files) expect(sha256(canonical(attachment))).to.equal(list[index]);
        expect(filesCommitment(salt, list)).to.equal(commitments.attachments);
        expect(files[0].attachment).to.not.have.property('key');
      }
      const header = JSON.parse(Buffer.from(seal.protected, 'base64url').toString());
      expect(header.mid).to.equal(id);
      const { record } = messageWith(id);
      expect(record.digest).to.equal(`sha-256:${sealDigestOf(seal).slice(2)}`);
      expect(record.subject).to.equal(`urn:notarium:activity:${header.grp.slice(2)}`);
    });
  }
});
