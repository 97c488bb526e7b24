import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { channelVectors, vectorsText } from './support/channelVectors.ts';

describe('test/vectors/channels.json', () => {
  it('is what the contract says: else run scripts/channel-vectors.ts', async () => {
    const committed = await readFile(new URL('../vectors/channels.json', import.meta.url), 'utf8');
    expect(committed).to.equal(vectorsText(await channelVectors()));
  });
});
