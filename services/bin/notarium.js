#!/usr/bin/env node
// Plain JavaScript, old syntax only: this file must be readable for the Node that it refuses.
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `error: Notarium needs Node 22.18 or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      '  Install a newer one, or run: npx -y -p node@24 -p notarium -- notarium\n',
  );
  process.exitCode = 2;
} else {
  import('../main.ts');
}
