import { join } from 'node:path';
import { root } from './ensureBuilt.ts';

/**
 * Command line `notarium` for tests and scripts: that of the sources, or the built one that `npm test` has made for its
 * own run and names in NOTARIUM_TEST_LAUNCHER.
 */
export const launcher: string = process.env.NOTARIUM_TEST_LAUNCHER ?? join(root, 'services', 'bin', 'notarium.js');
