import { expect } from 'chai';
import {
  acceptanceSchema,
  checkAcceptance,
  checkRefusal,
  refusalReasons,
  refusalSchema,
  signAcceptance,
  signRefusal,
} from '../../../services/core/acceptance.ts';
import { zeroHash } from '../../../services/core/block.ts';
import { fromHex, type Hash, toHex, utf8 } from '../../../services/core/bytes.ts';
import { errorTable } from '../../../services/core/errors.ts';
import { compactSignature } from '../../../services/core/signature.ts';
import { codeOf } from '../../support/codeOf.ts';
import { centres, network } from './receiptKit.ts';

const recordId = `0x${'12'.repeat(32)}` as Hash;
const otherNetwork = { ...network, chainId: network.chainId + 1 };

describe('acceptance', () => {
  const promise = { recordId, acceptedAt: 1_763_000_000, includeBySlot: 58_766_669 };

  it('holds for the centre that signed it, in both forms of signature', async () => {
    const acceptance = await signAcceptance(network, promise, centres[0]!);
    expect(acceptanceSchema.parse(acceptance)).to.deep.equal(acceptance);
    expect(acceptance.centre).to.equal(centres[0]!.address);
    expect(codeOf(() => checkAcceptance(network, acceptance))).to.equal('none');
    const compact = toHex(compactSignature(fromHex(acceptance.signature)));
    expect(codeOf(() => checkAcceptance(network, { ...acceptance, signature: compact }))).to.equal('none');
  });

  it('does not hold when anything in it changes', async () => {
    const acceptance = await signAcceptance(network, promise, centres[0]!);
    for (const changes of [
      { recordId: zeroHash },
      { acceptedAt: promise.acceptedAt + 1 },
      { includeBySlot: promise.includeBySlot + 1 },
      { centre: centres[1]!.address },
    ]) {
      expect(codeOf(() => checkAcceptance(network, { ...acceptance, ...changes }))).to.equal('signature-mismatch');
    }
    expect(codeOf(() => checkAcceptance(otherNetwork, acceptance))).to.equal('signature-mismatch');
    expect(codeOf(() => checkAcceptance(network, { ...acceptance, signature: '0x00' }))).to.equal(
      'signature-malformed',
    );
  });

  it('has no other fields, sizes or numbers', async () => {
    const acceptance = await signAcceptance(network, promise, centres[0]!);
    for (const changes of [
      { extra: 1 },
      { recordId: '0x12' },
      { acceptedAt: 1.5 },
      { acceptedAt: -1 },
      { acceptedAt: 2 ** 53 },
      { includeBySlot: '5' },
      { centre: acceptance.centre.toUpperCase() },
      { signature: `0x${'ab'.repeat(63)}` },
      { signature: `0x${'AB'.repeat(65)}` },
    ]) {
      expect(acceptanceSchema.safeParse({ ...acceptance, ...changes }).success, JSON.stringify(changes)).to.equal(
        false,
      );
    }
  });
});

describe('refusal', () => {
  const refusal = { recordId, reason: 'record-successor-taken', winner: `0x${'34'.repeat(32)}`, slot: 7 } as const;

  it('holds for the centre that signed it, with every reason', async () => {
    for (const reason of refusalReasons) {
      const signed = await signRefusal(network, { ...refusal, reason }, centres[0]!);
      expect(refusalSchema.parse(signed)).to.deep.equal(signed);
      expect(
        codeOf(() => checkRefusal(network, signed)),
        reason,
      ).to.equal('none');
    }
  });

  it('does not hold when anything in it changes', async () => {
    const signed = await signRefusal(network, refusal, centres[0]!);
    for (const changes of [
      { recordId: zeroHash },
      { reason: 'record-expired' as const },
      { winner: zeroHash },
      { slot: 8 },
      { centre: centres[1]!.address },
    ]) {
      expect(codeOf(() => checkRefusal(network, { ...signed, ...changes }))).to.equal('signature-mismatch');
    }
    expect(codeOf(() => checkRefusal(otherNetwork, signed))).to.equal('signature-mismatch');
  });

  it('gives reasons that are error codes and fit a word', () => {
    for (const reason of refusalReasons) {
      expect(errorTable).to.have.property(reason);
      expect(utf8(reason).length).to.be.at.most(32);
    }
  });
});
