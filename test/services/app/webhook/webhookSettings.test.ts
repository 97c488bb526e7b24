import { expect } from 'chai';
import { checkWebhook, defaultWebhookEvents, isTold } from '../../../../services/app/webhook/webhookSettings.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { webhookSecret } from '../../../support/webhookReceiver.ts';

const base64 = (sizeBytes: number): string => Buffer.alloc(sizeBytes, 7).toString('base64');

describe('settings of the webhook', () => {
  it('take http and https, and a secret of Standard Webhooks', async () => {
    const secret = webhookSecret();
    checkWebhook({ url: 'http://127.0.0.1:9/x?token=1', secret });
    checkWebhook({ url: 'https://example.org', secret: `whsec_${base64(24)}`, events: ['alert', 'proposal.*'] });
    for (const url of ['ftp://example.org', 'file:///etc/passwd', 'https://a:b@example.org', 'example.org', '']) {
      await expectCode('config-invalid', () => checkWebhook({ url, secret }));
    }
    for (const wrong of [
      '',
      base64(32),
      `whsec_${base64(23)}`,
      `whsec_${base64(65)}`,
      'whsec_ä',
      'whsec_AAAAB3Nza C1yc2E=',
    ]) {
      const error = await expectCode('config-invalid', () => checkWebhook({ url: 'http://a', secret: wrong }));
      expect(wrong === '' || !error.message.includes(wrong)).to.equal(true);
    }
    for (const pattern of ['*', 'Proposal.*', 'a.b.c', '', '.*']) {
      await expectCode('config-invalid', () => checkWebhook({ url: 'http://a', secret, events: [pattern] }));
    }
  });

  it('tell families and single types', () => {
    expect(isTold('vote.cast', defaultWebhookEvents)).to.equal(true);
    expect(isTold('record.refused', defaultWebhookEvents)).to.equal(true);
    expect(isTold('block.sealed', defaultWebhookEvents)).to.equal(false);
    expect(isTold('alerts', ['alert'])).to.equal(false);
    expect(isTold('proposals.made', ['proposal.*'])).to.equal(false);
  });
});
