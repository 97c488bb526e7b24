import { expect } from 'chai';
import { networkKey, rangeOf, readAddress, specialRange } from '../../../../services/app/admission/callerNetwork.ts';
import { openLocator } from '../../../../services/app/admission/openLocator.ts';
import { expectCode } from '../../../support/expectCode.ts';

describe('where a caller comes from', () => {
  it('is kept as a range, never as the address', () => {
    const keys: Record<string, string> = {
      '203.0.113.77': '203.0.113.0/24',
      '::ffff:203.0.113.77': '203.0.113.0/24',
      '::ffff:cb00:714d': '203.0.113.0/24',
      '2001:db8:1:2:3:4:5:6': '2001:db8:1::/48',
      '2001:0DB8:0001::6%eth0': '2001:db8:1::/48',
      '::1': '::/48',
      'not an address': 'unknown',
    };
    for (const [address, key] of Object.entries(keys)) expect(networkKey(readAddress(address)), address).to.equal(key);
    expect(networkKey(readAddress(undefined))).to.equal('unknown');
    expect(rangeOf(readAddress('203.0.113.77')!, 32)).to.equal('203.0.113.0/24');
    expect(rangeOf(readAddress('203.0.113.77')!, 13)).to.equal('203.0.0.0/13');
    expect(rangeOf(readAddress('2001:db8:ffff::1')!, 33)).to.equal('2001:db8:8000::/33');
  });

  it('is looked up offline, and of no country where the address is of none', async () => {
    const locate = await openLocator(undefined);
    expect(locate(readAddress('193.99.144.80'))).to.include({ country: 'DE' });
    expect(locate(readAddress('::ffff:193.99.144.80'))).to.deep.equal(locate(readAddress('193.99.144.80')));
    expect(locate(readAddress('2a02:2e0:3fe:1001::1'))).to.include({ country: 'DE' });
    const kinds: Record<string, string> = {
      '127.0.0.1': '127.0.0.0/8 (loopback)',
      '::ffff:10.1.2.3': '10.0.0.0/8 (private)',
      '192.168.7.7': '192.168.0.0/16 (private)',
      '::1': '::1/128 (loopback)',
      'fd00::1': 'fc00::/7 (private)',
      'fe80::1%eth0': 'fe80::/10 (link-local)',
    };
    for (const [address, network] of Object.entries(kinds)) {
      expect(locate(readAddress(address)), address).to.deep.equal({ network });
    }
    expect(specialRange(readAddress('11.0.0.1')!)).to.equal(undefined);
    expect(locate(undefined)).to.deep.equal({});
  });

  it('has number and name of its network by a database in the layout of GeoLite2-ASN', async () => {
    const locate = await openLocator('test/vectors/maxmind/GeoLite2-ASN-Test.mmdb');
    const at = (address: string) => locate(readAddress(address));
    const telstra = { country: 'AU', systemNumber: 1221, systemName: 'Telstra Pty Ltd' };
    expect(at('1.128.0.7')).to.include(telstra);
    expect(at('::ffff:1.128.0.7')).to.deep.equal(at('1.128.0.7'));
    expect(at('12.81.96.7')).to.include({ country: 'US', systemNumber: 7018 }).and.not.have.property('systemName');
    // Not in it.
    expect(at('193.99.144.80')).to.include({ country: 'DE' }).and.not.have.any.keys('systemNumber', 'systemName');
    expect(at('127.0.0.1')).to.deep.equal({ network: '127.0.0.0/8 (loopback)' });
  });

  it('says which database it cannot read', async () => {
    for (const path of ['/nowhere/asn.mmdb', 'package.json']) {
      const { data } = await expectCode('file-unreadable', openLocator(path));
      expect(data).to.deep.equal({ path });
    }
  });
});
