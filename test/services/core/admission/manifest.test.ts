import { expect } from 'chai';
import { type Manifest, maxManifestBytes, readManifest } from '../../../../services/core/admission/manifest.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';

const address = (digit: string): `0x${string}` => `0x${digit.repeat(40)}`;
const manifest: Manifest = {
  format: 'notarium-manifest/1',
  network: `eip155:31337:${address('a')}`,
  genesisHash: `0x${'b'.repeat(64)}` as const,
  contracts: {
    blockAnchor: address('a'),
    nodeRegistry: address('c'),
    consortiumGovernor: address('d'),
    resourceRegistry: address('e'),
  },
  rules: { periodSeconds: 2, graceSeconds: 30, quorum: 'floor(2m/3)+1', publisher: 'committee[slot mod m]' },
  formats: ['notarium-block/1', 'notarium-record/1'],
  protocols: ['/notarium/content/1'],
};

/** Code and field of what is wrong with it. */
function refusal(input: unknown): string {
  try {
    readManifest(JSON.stringify(input));
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    return [error.code, error.data.field].filter((part) => part !== undefined).join(' ');
  }
  return 'none';
}

describe('manifest', () => {
  it('has one hash, whatever the order and spacing of its text', () => {
    const { hash, bytes } = readManifest(manifest);
    const turned = Object.fromEntries(Object.entries(manifest).reverse());
    expect(readManifest(JSON.stringify(turned, undefined, 2))).to.deep.include({ hash, bytes });
    // By Python's json.dumps(sort_keys) and hashlib.
    expect(hash).to.equal('0xa626bec843dab13ae34da13ec6b1f9193c84e814e7051443b55ffeac7feeb432');
    expect(readManifest({ ...manifest, agreement: '' }).hash).not.to.equal(hash);
  });

  it('refuses another form, naming the field', () => {
    const { rules, contracts } = manifest;
    const cases: [string, unknown][] = [
      ['manifest-invalid format', { ...manifest, format: 'notarium-manifest/2' }],
      ['manifest-invalid network', { ...manifest, network: 'eip155:0:0x' }],
      ['manifest-invalid genesisHash', { ...manifest, genesisHash: `0x${'B'.repeat(64)}` }],
      [
        'manifest-invalid contracts.nodeRegistry',
        {
          ...manifest,
          contracts: {
            ...contracts,
            nodeRegistry: '0xa626bec843dab13ae34da13ec6b1f9193c84e814e7051443b55ffeac7feeb432',
          },
        },
      ],
      ['manifest-invalid rules.periodSeconds', { ...manifest, rules: { ...rules, periodSeconds: 0 } }],
      ['manifest-invalid rules.quorum', { ...manifest, rules: { ...rules, quorum: 'one' } }],
      ['manifest-invalid formats', { ...manifest, formats: [...manifest.formats].reverse() }],
      ['manifest-invalid formats', { ...manifest, formats: ['notarium-record/1', 'notarium-record/1'] }],
      ['manifest-invalid protocols', { ...manifest, protocols: [] }],
      ['manifest-invalid protocols.0', { ...manifest, protocols: ['Notarium'] }],
      ['manifest-invalid', { ...manifest, more: 1 }],
      ['manifest-invalid agreement', { ...manifest, agreement: 'ü'.repeat(16 * 1024 + 1) }],
      ['json-lone-surrogate', { ...manifest, agreement: '\ud800' }],
      ['json-too-large', { ...manifest, agreement: 'x'.repeat(2 * maxManifestBytes) }],
      ['json-too-deep', { ...manifest, agreement: [[[[[]]]]] }],
      ['manifest-invalid', 'a manifest'],
    ];
    for (const [want, input] of cases) {
      expect(refusal(input).trim(), JSON.stringify(input).slice(0, 80)).to.equal(want);
    }
  });
});
