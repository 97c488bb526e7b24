import { join } from 'node:path';
import { root } from './ensureBuilt.ts';

/**
 * Path of the TypeScript compiler. Version 7 is native, and takes less than half the time; version 6 (the package
 * `typescript`) stays for tools that call it as a library, which 7 is not.
 */
export const compiler: string = join(root, 'node_modules', 'typescript7', 'bin', 'tsc');
