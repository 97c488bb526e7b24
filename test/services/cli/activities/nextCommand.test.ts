import { expect } from 'chai';
import { nextCommand } from '../../../../services/cli/activities/nextCommand.ts';

describe('the next command about an activity', () => {
  it('asks the same centre, and does not show a key', () => {
    const options = { data: 'my data/centre-1', url: 'http://127.0.0.1:8081', apiKey: 'ntm_secret', wait: '5' };
    expect(nextCommand({ options }, 'activity show 0x1234')).to.equal(
      "notarium activity show 0x1234 --url http://127.0.0.1:8081 --data 'my data/centre-1'",
    );
  });

  it('is as short as it can be', () => {
    expect(nextCommand({ options: {} }, 'activity show 0x1234')).to.equal('notarium activity show 0x1234');
  });
});
