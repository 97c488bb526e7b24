/**
 * Writes test/vectors/activities.json, by which everybody who writes a second implementation of private activities can check it: each
 * digest, id, signature and seal of one activity, from keys that everybody knows.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { activityVectors, vectorsText } from '../test/support/activityVectors.ts';

const file = fileURLToPath(new URL('../test/vectors/activities.json', import.meta.url));

await writeFile(file, vectorsText(await activityVectors()));
console.log(`wrote ${file}`);
