import { readFile, writeFile } from 'node:fs/promises';
import initWabt from 'wabt';

/** What a generator makes of its text. */
export type WasmModule = {
  /** Of the module beside which it stands, in `services/core`: `sha256Chain` for `sha256ChainWasm.ts`. */
  readonly name: string;
  /** File of the generator, in `scripts`. */
  readonly generator: string;
  /** WebAssembly as text. */
  readonly wat: string;
  /** Features beyond the first version of WebAssembly. */
  readonly features?: { readonly simd?: true };
};

/** Writes the module as base64 into a file of the sources; with `--check` only compares, and fails on a difference. */
export async function writeWasmModule({ name, generator, wat, features = {} }: WasmModule): Promise<void> {
  const wabt = await initWabt();
  const module = wabt.parseWat(`${name}.wat`, wat, features);
  module.validate();
  const wasm = module.toBinary({}).buffer;
  const text = `// Made by scripts/${generator}. Do not edit.
/** WebAssembly module of ${name}.ts, base64. */
export const ${name}Wasm =
  '${Buffer.from(wasm).toString('base64')}';
`;
  const file = `services/core/${name}Wasm.ts`;
  const target = new URL(`../../${file}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    await writeFile(target, text);
    console.log(`${file}: ${wasm.length} bytes of WebAssembly`);
  } else if ((await readFile(target, 'utf8')) !== text) {
    console.error(`${file} differs: run node scripts/${generator}`);
    process.exitCode = 1;
  }
}
