import { expect } from 'chai';
import { TypedDataEncoder } from 'ethers';
import { type Address, toHex } from '../../../../services/core/bytes.ts';
import { captureDevice, captureDigest } from '../../../../services/core/channels/capture.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';

describe('Capture', () => {
  const network = { chainId: 31337, contract: '0x00000000000000000000000000000000000000cc' as Address };
  const digest = toHex(new Uint8Array(32).fill(9));

  it('has the digest that ethers computes', () => {
    const domain = { name: 'Notarium', version: '1', chainId: 31337, verifyingContract: network.contract };
    const types = {
      Capture: [
        { name: 'digest', type: 'bytes32' },
        { name: 'capturedAt', type: 'uint64' },
      ],
    };
    const capture = { digest, capturedAt: 1_800_000_000 };
    expect(toHex(captureDigest(network, digest, capture))).to.equal(TypedDataEncoder.hash(domain, types, capture));
  });

  it('names the device, and nobody for what is no signature', async () => {
    const device = localSigner(new Uint8Array(32).fill(3), await loadCrypto());
    const capturedAt = 1_800_000_000;
    const signature = toHex(await device.sign(captureDigest(network, digest, { capturedAt })));
    expect(captureDevice(network, digest, { capturedAt, signature })).to.equal(device.address);
    expect(captureDevice(network, digest, { capturedAt: capturedAt + 1, signature })).not.to.equal(device.address);
    expect(captureDevice(network, digest, { capturedAt, signature: toHex(new Uint8Array(65)) })).to.equal(undefined);
  });
});
