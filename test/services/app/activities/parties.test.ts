import { expect } from 'chai';
import { findParty } from '../../../../services/app/activities/parties.ts';
import type { RegistryNode } from '../../../../services/chain/RegistryNode.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import { activityNetwork, person } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const node = (number: number, name: string, endpoint: string): RegistryNode => {
  const { address } = person(number);
  return { address, name, endpoint, status: 'active', encryptionKey: noHash, noteKey: noHash };
};

describe('a party of an activity', () => {
  const mill = node(1, 'Mill', 'https://mill.example/centre');
  const port = node(2, 'Port', '');
  const twin = node(3, 'Twin', 'https://twins.example');
  const other = node(4, 'Twin', 'https://twins.example/');
  const nodes = [mill, port, twin, other];
  const found = (party: string) => findParty({ registry: { nodes: () => nodes }, network: activityNetwork }, party);

  it('is found by its name', () => {
    expect(found('Port')).to.equal(port);
  });

  it('is found by its address, also with the chain before it, whatever its case', () => {
    for (const address of [mill.address, mill.address.toUpperCase().replace('0X', '0x')]) {
      expect(found(address)).to.equal(mill);
      expect(found(`eip155:${activityNetwork.chainId}:${address}`)).to.equal(mill);
    }
  });

  it('is found by its endpoint, however that is written', () => {
    for (const endpoint of ['https://mill.example/centre', 'HTTPS://MILL.example:443/centre'])
      expect(found(endpoint)).to.equal(mill);
  });

  it('is none by a part of it, by the address of another chain, or by nothing', async () => {
    for (const party of [
      ...['https://mill.example', 'https://mill.example/centre/', 'http://mill.example/centre', 'mill.example/centre'],
      ...['mill', '', 'not a URL', `eip155:${activityNetwork.chainId + 1}:${mill.address}`],
    ])
      await expectCode('party-unknown', () => found(party));
  });

  it('is nobody where several go by that name or endpoint', async () => {
    for (const party of ['Twin', 'https://twins.example', 'https://twins.example/'])
      await expectCode('party-unknown', () => found(party));
    expect(found(twin.address)).to.equal(twin);
  });
});
