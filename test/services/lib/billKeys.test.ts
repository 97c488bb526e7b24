import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { fromHex, type Hash } from '../../../services/core/bytes.ts';
import { billKeys } from '../../../services/lib/billKeys.ts';

describe('billKeys', () => {
  it('are HMAC-SHA256 over channel and bill, under a secret made from the private key', () => {
    const privateKey = new Uint8Array(32).fill(7);
    const keyOf = billKeys(privateKey);
    const secret = createHmac('sha256', privateKey).update('notarium-bill-secret/1').digest();
    for (const [channel, bill] of [
      ['11', '22'],
      ['22', '11'],
      ['ff', '00'],
    ]) {
      const [channelId, billId] = [`0x${channel!.repeat(32)}`, `0x${bill!.repeat(32)}`] as [Hash, Hash];
      const hmac = createHmac('sha256', secret).update('notarium-bill-key/1').update(fromHex(channelId));
      expect(keyOf(channelId, billId)).to.equal(`0x${hmac.update(fromHex(billId)).digest('hex')}`);
    }
  });
});
