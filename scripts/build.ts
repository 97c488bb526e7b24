/**
 * Makes the npm package in `dist/`: JavaScript, type declarations, launcher, licences. `npm pack ./dist` packs it.
 *
 * usage: npm run build
 */
import { buildPackage } from './support/buildPackage.ts';

await buildPackage({ types: true });
process.stdout.write('built: dist\n');
