import { expect } from 'chai';
import { Output } from '../../../services/cli/Output.ts';
import { Progress } from '../../../services/cli/Progress.ts';
import { until } from '../../support/until.ts';

describe('Progress', () => {
  /** What a terminal of so many columns shows of a bar. */
  const drawn = async (columns: number, label: string): Promise<string> => {
    let shown = '';
    const write = (text: string): void => {
      shown += text;
    };
    const stderr = { isTTY: true, columns, write };
    const output = new Output({ stdout: stderr, stderr, env: {} } as never, {});
    const bar = new Progress(output, label, 6, (value) => value.toFixed(1));
    bar.at(2.5, label);
    await until('it to be drawn', () => shown !== '');
    bar.stop();
    const [line] = shown.split('\r').slice(1);
    return line!.replace('\u001b[K', '');
  };
  const label = 'packet 3 of 6 of https://authenticator.notaries-of-flanders.example:8443/notarium: disk-write';

  it('fits the terminal, whatever it is about', async () => {
    for (const columns of [40, 80]) {
      const line = await drawn(columns, label);
      expect(line.length, line).to.be.below(columns);
      expect(line).to.match(/^packe.*….*-write █+░+ +41 % {2}2\.5 of 6\.0$/);
    }
  });

  it('says all where there is room', async () => {
    expect(await drawn(120, 'packet 3 of 6: hashing')).to.equal(
      `packet 3 of 6: hashing ${'█'.repeat(13)}${'░'.repeat(17)}  41 %  2.5 of 6.0`,
    );
  });
});
