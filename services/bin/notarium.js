#!/usr/bin/env node
// Plain JavaScript, old syntax only: this file must be readable for the Node that it refuses.
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import v8 from 'node:v8';

const [major, minor] = process.versions.node.split('.').map(Number);

// A centre has several threads and runs for months. Node's defaults are for speed in one thread: with them the same centre
// takes twice the memory and is no faster (docs/operations.md, Memory). What is set from outside wins.
const heapFlags = ['--max-semi-space-size=8', '--max-old-space-size=768'];
// With so small a heap V8 would collect all of it for nearly each message of a megabyte that comes, which takes more than a quarter of the time.
const growth = '--heap-growing-percent=100';
const malloc = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' };

const nodeOptions = process.execArgv.concat(process.env.NODE_OPTIONS || '').join(' ');

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `error: Notarium needs Node 22.18 or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      '  Install a newer one, or run: npx -y -p node@24 -p notarium -- notarium\n',
  );
  process.exitCode = 2;
} else if (process.argv[2] === 'node' && process.execve && !/-space-size/.test(nodeOptions)) {
  // The same process goes on under another command line: supervisors, signals and pid files keep hold of it.
  const command = [process.execPath].concat(process.execArgv, heapFlags, process.argv.slice(1));
  process.execve(process.execPath, command, Object.assign({}, malloc, process.env));
} else {
  // Set here, and not in the command line: a Node that does not know it goes on without.
  if (heapFlags.every((flag) => process.execArgv.includes(flag))) v8.setFlagsFromString(growth);
  // Half of the time to start is compiling. In a folder of this user alone: what stands in it is run.
  if (module.enableCompileCache && !module.getCompileCacheDir()) {
    module.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'notarium', 'compiled'));
  }
  import('../main.ts');
  // Node keeps what it has compiled only when it ends by itself; a centre may be killed.
  if (module.flushCompileCache) setTimeout(module.flushCompileCache, 5000).unref();
}
