import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { claimPort, freePorts, freePortsInARow } from '../support/freePorts.ts';
import { listener } from '../support/startScript.ts';

const source = `
  import { freePorts } from ${JSON.stringify(new URL('../support/freePorts.ts', import.meta.url).href)};
  console.log(JSON.stringify(await freePorts(3)));
  process.stdin.resume();
`;

describe('free ports', () => {
  it('can be had by nobody else as long as the process runs that has got them, though it does not listen', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const ports = JSON.parse(line.toString()) as number[];
    expect(new Set(ports).size).to.equal(3);
    expect(await Promise.all(ports.map(claimPort))).to.deep.equal([false, false, false]);
    child.stdin.end();
    await once(child, 'close');
    expect(await claimPort(ports[0]!)).to.equal(true);
  });

  it('are given once, and not where somebody listens', async () => {
    const [port] = (await freePorts(1)) as [number];
    expect(await claimPort(port)).to.equal(false);
    const server = await listener();
    expect(await claimPort((server.address() as { port: number }).port)).to.equal(false);
    await new Promise((done) => server.close(done));
  });

  it('come in a row where that is asked for', async () => {
    const first = await freePortsInARow(5);
    for (let port = first; port < first + 5; port++) expect(await claimPort(port)).to.equal(false);
  });
});
