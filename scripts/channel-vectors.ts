/**
 * Writes test/vectors/channels.json, which everything that signs or reads channels is tested against: ids, hashes and roots as
 * the contract makes them. Run `npx hardhat build` first.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { channelVectors, vectorsText } from '../test/contracts/support/channelVectors.ts';

const file = fileURLToPath(new URL('../test/vectors/channels.json', import.meta.url));

await writeFile(file, vectorsText(await channelVectors()));
console.log(`wrote ${file}`);
