/**
 * Writes services/chain/abi/*.json (the ABI and nothing else) from the compiled artifacts; `--check` only compares.
 * Run `npx hardhat build` first.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const contracts = ['BlockAnchor', 'ConsortiumGovernor', 'EvidenceChannels', 'NodeRegistry', 'ResourceRegistry'];
const root = fileURLToPath(new URL('../', import.meta.url));

/** The files whose committed ABI differs from the compiled one; with `write` they are brought up to date. */
export async function syncAbis(options: { write: boolean }): Promise<string[]> {
  const different: string[] = [];
  for (const name of contracts) {
    const artifact = JSON.parse(await readFile(`${root}artifacts/contracts/${name}.sol/${name}.json`, 'utf8')) as {
      abi: unknown;
    };
    const wanted = `${JSON.stringify(artifact.abi, null, 2)}\n`;
    const file = `services/chain/abi/${name}.json`;
    const present = await readFile(root + file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (present === wanted) continue;
    different.push(file);
    if (options.write) await writeFile(root + file, wanted);
  }
  return different;
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const different = await syncAbis({ write: !check });
  for (const file of different)
    console.log(check ? `${file} is out of date: run scripts/contract-abi.ts` : `wrote ${file}`);
  if (check && different.length > 0) process.exitCode = 1;
}
