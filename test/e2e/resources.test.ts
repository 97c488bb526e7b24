import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ResourceSetPage } from '../../services/app/resources/ResourceDesk.ts';
import { type ConfigurationService, configurationService } from '../services/app/resources/resourcesKit.ts';
import { failingCentre, startCentre } from '../support/centreProcess.ts';
import { deployGovernance } from '../support/chains.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { until } from '../support/until.ts';

describe('resource sets of a real centre', () => {
  let network: TestNetwork;
  let service: ConfigurationService;
  before(async () => {
    service = await configurationService();
    network = await startNetwork({ kind: 'hardhat' });
    await deployGovernance(network.chain.rpcUrl, network.deployed.registry);
  });
  after(async () => {
    await network.close();
    await service.close();
  });

  it('are kept where --resources says, from the proposal to what is in force, also after kill -9', async () => {
    const settings = join(network.dataDir, 'resources.json');
    const radio = { adapter: 'http', url: service.url, checkSeconds: 0.2 };
    await writeFile(settings, JSON.stringify({ radio: { ...radio, adapter: 'pigeon' } }));
    await network.centre.kill();
    const spec = { ...network.spec, args: [...network.spec.args!, '--resources', settings] };
    const refused = await failingCentre(spec);
    expect(refused.output).to.contain('resources.json');
    await writeFile(settings, JSON.stringify({ radio }));
    let centre = await network.start({ args: spec.args });
    const authorization = `Bearer ${(await readFile(join(network.dataDir, 'admin-key'), 'utf8')).trim()}`;
    const post = async (path: string, body: object) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const answer = await fetch(`${centre.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await answer.text();
      expect(answer.status, text).to.be.lessThan(300);
      return JSON.parse(text) as { proposalId: string };
    };
    const set = async () => (await (await fetch(`${centre.url}/v1/resources/radio`)).json()) as ResourceSetPage;
    const pass = async (path: string, value: number) => {
      const effect = { resourceSet: 'radio', patch: [{ op: 'add', path, value }] };
      const draft = { kind: 'resource', title: 'Capacity', text: '', effect };
      const { proposalId } = await post('/v1/proposals', draft);
      await until('the vote', () => post(`/v1/proposals/${proposalId}/votes`, { support: 'for' }));
    };
    await pass('/capacity', 5);
    await until('version 1 in force', async () => (await set()).inForce === 1);
    expect(JSON.parse(service.configuration!)).to.deep.equal({ capacity: 5 });
    service.isDown = true;
    await pass('/power', 7);
    await until('version 2 to wait', async () => (await set()).own?.version === 2);
    await centre.kill();
    service.isDown = false;
    centre = await startCentre(spec);
    try {
      await until('version 2 in force', async () => (await set()).inForce === 2);
      expect(JSON.parse(service.configuration!)).to.deep.equal({ capacity: 5, power: 7 });
    } finally {
      await centre.kill();
    }
  });
});
