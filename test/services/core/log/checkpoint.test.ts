import { expect } from 'chai';
import { fromBase64, fromHex, toBase64, utf8 } from '../../../../services/core/bytes.ts';
import {
  checkpointOrigin,
  checkpointText,
  openCheckpoint,
  parseCheckpointText,
  signCheckpoint,
} from '../../../../services/core/log/checkpoint.ts';
import {
  noteSigner,
  noteVerifier,
  openNote,
  parseVerifierKey,
  signNote,
  verifierKeyText,
} from '../../../../services/core/log/note.ts';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

// Published by golang.org/x/mod/sumdb/note (package documentation and tests).
const neumann = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  privateKey: 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
// A tree head of the Go checksum database, as its server signed it.
const goHead =
  'go.sum database tree\n31700353\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n' +
  '— sum.golang.org Az3grnmrIUEDFqHzAElIQCPNoRFRAAdFo47fooyWKMHb89k11GJh5zHIfNCOBmwn/C3YI8oW9/C8DJ87F61QqspBYwM=\n';
const goKey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';

describe('core/log/note', () => {
  it('signs and opens the published note', () => {
    const signer = noteSigner('PeterNeumann', fromBase64(neumann.privateKey).slice(1));
    expect(verifierKeyText(signer)).to.equal(neumann.key);
    const note = signNote(neumann.text, [signer]);
    expect(note).to.equal(`${neumann.text}\n${neumann.signature}`);
    const opened = openNote(note, [parseVerifierKey(neumann.key)]);
    expect(opened.text).to.equal(neumann.text);
    expect(opened.signers.map(({ name }) => name)).to.deep.equal(['PeterNeumann']);
  });

  it('opens a tree head of the Go checksum database', () => {
    const { text } = openNote(utf8(goHead), [parseVerifierKey(goKey)]);
    expect(parseCheckpointText(text).size).to.equal(31_700_353);
    expect(codeOf(() => openNote(goHead.replace('31700353', '31700354'), [parseVerifierKey(goKey)]))).to.equal(
      'signature-mismatch',
    );
  });

  it('refuses verifier keys that are none', () => {
    for (const text of [
      '',
      'name',
      neumann.key.replace('c74f20a3', 'c74f20a4'),
      neumann.key.replace('PeterNeumann', 'Peter Neumann'),
      neumann.key.replace('PeterNeumann', ''),
      neumann.key.slice(0, -4),
      neumann.key.replace('+ARpc', '+AhpC'),
    ]) {
      expect(
        codeOf(() => parseVerifierKey(text)),
        text,
      ).to.equal('checkpoint-malformed');
    }
    expect(() => noteVerifier('a+b', new Uint8Array(32))).to.throw(RangeError);
  });

  it('refuses texts that cannot be signed', () => {
    for (const text of ['', 'no newline', 'a\tb\n', 'a\rb\n', '\ud800\n']) {
      expect(() => signNote(text, []), JSON.stringify(text)).to.throw(RangeError);
    }
  });

  it('passes over unknown keys, but not a wrong signature of a known one', () => {
    const known = noteSigner('a', new Uint8Array(32).fill(1));
    const other = noteSigner('b', new Uint8Array(32).fill(2));
    const both = signNote('text\n', [other, known]);
    expect(openNote(both, [known]).signers).to.deep.equal([known]);
    expect(openNote(both, [known, other]).signers).to.have.length(2);
    expect(codeOf(() => openNote(signNote('text\n', [other]), [known]))).to.equal('signature-mismatch');
    const forged = signNote('text\n', [{ ...other, sign: () => new Uint8Array(64) }, known]);
    expect(openNote(forged, [known]).signers).to.deep.equal([known]);
    expect(codeOf(() => openNote(forged, [known, other]))).to.equal('signature-mismatch');
    const short = signNote('text\n', [{ ...known, sign: () => new Uint8Array(63) }]);
    expect(codeOf(() => openNote(short, [known]))).to.equal('signature-mismatch');
  });
});

describe('core/log/checkpoint', () => {
  const network = { chainId: 31337, contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3' as const };
  const origin = 'notarium/31337/0x5fbdb2315678afecb367f032d93f642f64180aa3';
  const signer = noteSigner(origin, new Uint8Array(32).fill(7));
  const root = fromHex('11'.repeat(32));
  const note = signCheckpoint({ origin, size: 12, root }, signer);

  it('has the origin of the network, size and root', () => {
    expect(checkpointOrigin(network)).to.equal(origin);
    expect(checkpointText({ origin, size: 12, root })).to.equal(`${origin}\n12\n${toBase64(root)}\n`);
    const opened = openCheckpoint(note, [signer]);
    expect(opened.origin).to.equal(origin);
    expect(opened.size).to.equal(12);
    expect(opened.root).to.deep.equal(root);
    expect(opened.signers).to.have.length(1);
    for (const size of [0, Number.MAX_SAFE_INTEGER]) {
      expect(openCheckpoint(signCheckpoint({ origin, size, root }, signer), [signer]).size).to.equal(size);
    }
  });

  it('is the same text from every centre', () => {
    const other = noteSigner(origin, new Uint8Array(32).fill(8));
    const [a, b] = [signer, other].map((by) => signCheckpoint({ origin, size: 12, root }, by).split('\n\n')[0]);
    expect(a).to.equal(b);
    expect(
      openCheckpoint(signCheckpoint({ origin, size: 12, root }, signer, other), [other, signer]).signers,
    ).to.have.length(2);
  });

  it('refuses every single changed character', () => {
    for (let at = 0; at < note.length; at++) {
      const changed = `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`;
      expect(
        codeOf(() => openCheckpoint(changed, [signer])),
        String(at),
      ).to.be.oneOf(['checkpoint-malformed', 'signature-mismatch']);
      const cut = note.slice(0, at);
      expect(
        codeOf(() => openCheckpoint(cut, [signer])),
        String(at),
      ).to.be.oneOf(['checkpoint-malformed', 'signature-mismatch']);
    }
  });

  it('refuses the checkpoint of another log, whose key it knows', () => {
    const foreign = signNote(checkpointText({ origin: 'elsewhere', size: 1, root }), [signer]);
    expect(codeOf(() => openCheckpoint(foreign, [signer]))).to.equal('checkpoint-malformed');
  });

  it('refuses signed texts that are no checkpoint', () => {
    const rootText = toBase64(root);
    for (const text of [
      `${origin}\n`,
      `${origin}\n12\n`,
      `${origin}\n-1\n${rootText}\n`,
      `${origin}\n012\n${rootText}\n`,
      `${origin}\n9007199254740992\n${rootText}\n`,
      `${origin}\n12\n${rootText.slice(0, -1)}\n`,
      `${origin}\n12\n${toBase64(new Uint8Array(31))}\n`,
      `${origin}\n12\n${rootText.slice(0, -2)}F=\n`,
    ]) {
      expect(
        codeOf(() => openCheckpoint(signNote(text, [signer]), [signer])),
        text,
      ).to.equal('checkpoint-malformed');
    }
    expect(openCheckpoint(signNote(`${origin}\n12\n${rootText}\nextension\n`, [signer]), [signer]).size).to.equal(12);
    expect(codeOf(() => openCheckpoint(Uint8Array.of(0xff), [signer]))).to.equal('checkpoint-malformed');
    expect(() => checkpointText({ origin, size: -1, root })).to.throw(RangeError);
  });
});
