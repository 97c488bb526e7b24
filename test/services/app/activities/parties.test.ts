import { expect } from 'chai';
import { asMember, findParty } from '../../../../services/app/activities/parties.ts';
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

  it('is the active one of several, whatever others call themselves', async () => {
    for (const status of ['removed', 'candidate', 'banned'] as const) {
      const like = { ...node(5, 'Port', 'https://mill.example/centre'), status };
      const among = (party: string, all: readonly RegistryNode[]) =>
        findParty({ registry: { nodes: () => [...all] }, network: activityNetwork }, party);
      for (const all of [
        [like, ...nodes],
        [...nodes, like, { ...like, address: person(6).address }],
      ]) {
        expect(among('Port', all)).to.equal(port);
        expect(among('https://mill.example/centre', all)).to.equal(mill);
        expect(among(like.address, all)).to.equal(like);
      }
      // Alone it is found, and told why it cannot be a member.
      expect(among('Port', [like])).to.equal(like);
      expect(() => asMember(like, 'receiver')).to.throw(status);
    }
  });

  it('is nobody where several go by that name or endpoint, also where one of them is suspended', async () => {
    const among = (party: string, all: readonly RegistryNode[]) =>
      findParty({ registry: { nodes: () => [...all] }, network: activityNetwork }, party);
    for (const all of [nodes, nodes.map((one) => (one === twin ? { ...one, status: 'suspended' as const } : one))]) {
      for (const party of ['Twin', 'https://twins.example', 'https://twins.example/']) {
        const { detail } = await expectCode('party-ambiguous', () => among(party, all));
        expect(detail).to.contain(twin.address).and.to.contain(other.address);
      }
    }
    expect(found(twin.address)).to.equal(twin);
    // Alone it is found, and told why it cannot be a member.
    const suspended = { ...port, status: 'suspended' as const };
    expect(among('Port', [mill, suspended])).to.equal(suspended);
    expect(() => asMember(suspended, 'receiver')).to.throw('suspended');
  });
});
