'use strict';
// Runs a script of this project on a machine that may have nothing but npm and an old Node: installs the locked packages
// when they are missing or outdated, Node 24 among them, and starts the script with that. Plain JavaScript that Node 18
// understands, without any dependency, because nothing else is there yet.
//
// usage: node scripts/bootstrap.cjs SCRIPT [ARGUMENT …]

const { spawn, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const wantedMajor = 24;
const root = path.resolve(__dirname, '..');
const modules = path.join(root, 'node_modules');
const marker = path.join(modules, '.notarium-installed');
const windows = process.platform === 'win32';
const localNode = path.join(modules, '.bin', windows ? 'node.cmd' : 'node');

function main() {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) fail('usage: node scripts/bootstrap.cjs SCRIPT [ARGUMENT …]');
  installWhenNeeded();
  start(path.resolve(root, script), args);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** What the installed packages have to agree with. */
function lockHash() {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', 'package.json', 'services/package.json']) {
    hash.update(fs.readFileSync(path.join(root, name)));
  }
  return hash.digest('hex');
}

function installWhenNeeded() {
  const hash = lockHash();
  const installed = fs.existsSync(marker) ? fs.readFileSync(marker, 'utf8') : undefined;
  if (installed === hash && majorOf(localNode) >= wantedMajor) return;
  requireOwnFolder();
  process.stderr.write('Installing the locked packages (npm ci); this takes a minute or two the first time …\n');
  const major = Number(process.versions.node.split('.')[0]);
  // Under an old Node, npm would silently leave out optional packages that name a newer engine.
  const command =
    major >= 22 ? ['ci'] : ['exec', '--yes', `--package=node@${wantedMajor}`, '--', ...npmCommand(), 'ci'];
  const [program, ...first] = npmCommand();
  const { status, error } = spawnSync(program, [...first, ...command], {
    cwd: root,
    // What npm says belongs to the installation, not to the output of the command that the user has called.
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    // A production environment would leave out the packages that start and test need.
    env: { ...process.env, NODE_ENV: 'development', npm_config_omit: '' },
    shell: windows,
  });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm ci ended with exit code ${status}; see above`);
  if (majorOf(localNode) < wantedMajor) {
    fail(`npm ci brought no Node ${wantedMajor}: are install scripts switched off for the package "node"?`);
  }
  fs.writeFileSync(marker, hash);
}

/** npm ci empties node_modules first: through a symbolic link, it would empty a folder that others use. */
function requireOwnFolder() {
  const info = fs.lstatSync(modules, { throwIfNoEntry: false });
  if (info === undefined || !info.isSymbolicLink()) return;
  fail(
    `node_modules is a symbolic link, and what it leads to is not up to date with package-lock.json.\n` +
      '  Installing would empty that folder. Run npm ci where it belongs, or remove the link and run this again.',
  );
}

/** npm as this process was called by it, or from the PATH. */
function npmCommand() {
  const cli = process.env.npm_execpath;
  return cli !== undefined && /npm-cli\.c?js$/.test(cli) ? ['node', cli] : ['npm'];
}

function majorOf(program) {
  const { stdout, status } = spawnSync(program, ['--version'], { encoding: 'utf8', shell: windows });
  return status === 0 ? Number(/^v(\d+)/.exec(stdout)?.[1] ?? 0) : 0;
}

function start(script, args) {
  const env = {
    ...process.env,
    PATH: `${path.join(modules, '.bin')}${path.delimiter}${process.env.PATH ?? ''}`,
    HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
  };
  const options = { cwd: process.env.INIT_CWD ?? process.cwd(), stdio: 'inherit', env, shell: windows };
  const child = spawn(localNode, ['--disable-warning=ExperimentalWarning', script, ...args], options);
  // A terminal sends Ctrl-C to the child as well; a supervisor sends SIGTERM to this process only.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => fail(`${localNode} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}

main();
