/** Compiles what only tests use of Solidity: a step of scripts/test.ts. */
import { ensureBuilt } from './support/ensureBuilt.ts';

ensureBuilt((line) => process.stdout.write(`${line}\n`), { tests: true });
