import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { asReceipt, type Receipt } from '../../core/receipt.ts';
import type { VerifyResult } from '../../core/verifyReceipt.ts';
import { hashContent } from '../../lib/client/content.ts';
import { verifyDigest } from '../../lib/client/verifyContent.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { type VerifyFlags, withCentre } from '../commandOptions.ts';
import { Progress, sizeText } from '../Progress.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { verifyShown } from '../verify/activityFiles.ts';
import { type Basis, findBasis } from '../verify/basis.ts';
import { verifyChannelFile } from '../verify/channelEvidence.ts';
import { basisJson, failureJson, failureOf, printBasis, printSteps, printVerdict } from '../verify/printSteps.ts';
import { verifyPromise } from '../verify/promise.ts';
import { type AnyReceipt, readReceipt } from '../verify/readReceipt.ts';
import { carriedReceipt, findShown, readShown } from '../verify/shownFile.ts';
import { skippedText, stepText } from '../verify/stepTexts.ts';

/** `notarium verify`. */
export function addVerify(program: Command, context: ProgramContext): void {
  withCentre(
    program
      .command('verify')
      .description(
        'verify a file against its receipt, what a disclosure or trust certificate shows, or a promise (--acceptance)',
      ),
  )
    .argument('[file]', 'the content, a disclosure or a trust certificate')
    .argument('[receipt]', 'its receipt (default: <file>.receipt.json, or the one in a disclosure)')
    .option('--offline', 'by the trusted committees alone: no network, no centre')
    .option('--rpc <url>', 'ask the chain too: one eth_call')
    .option('--contract <address>', 'the BlockAnchor contract that you trust')
    .option(
      '--channels <address>',
      'the EvidenceChannels contract that you trust, for the receipt of an evidence channel',
    )
    .option('--verifier <address>', 'whose judgement of evidence you trust, for the receipt of an evidence channel')
    .option('--acceptance <file>', 'check whether a centre kept the promise in this file')
    .action(runs<VerifyFlags, [string | undefined, string | undefined]>(context, verify));
}

async function verify(run: Run<VerifyFlags>, file: string | undefined, receiptFile: string | undefined): Promise<void> {
  const { options, settings, terminal } = run;
  if (options.offline && options.rpc !== undefined) {
    throw new NotariumError('usage-invalid', '--offline and --rpc exclude one another');
  }
  if (options.acceptance !== undefined) {
    if (file !== undefined) throw new NotariumError('usage-invalid', '--acceptance takes no file to verify');
    return verifyPromise(run, options.acceptance);
  }
  if (file === undefined) throw new NotariumError('usage-invalid', 'give a file and its receipt, or --acceptance FILE');
  const path = resolve(terminal.cwd, file);
  if (/^0x[0-9a-f]{4,64}…?$/i.test(file) && !existsSync(path))
    throw new NotariumError(
      'file-unreadable',
      `there is no file ${file}; for an activity: notarium activity verify ${file}`,
    );
  const maybeShown = await findShown(path);
  const carried = receiptFile === undefined && maybeShown ? carriedReceipt(maybeShown) : undefined;
  const receiptPath = receiptFile === undefined ? `${path}.receipt.json` : resolve(terminal.cwd, receiptFile);
  const given: AnyReceipt =
    carried === undefined ? await readReceipt(receiptPath) : { kind: 'record', receipt: asReceipt(carried) };
  const rpcUrl = options.offline ? undefined : settings.rpcUrl;
  const digestOf = (): Promise<Uint8Array> => hashFileShown(run, path);
  if (given.kind === 'channel') return verifyChannelFile(run, given.receipt, { rpcUrl, digestOf });
  const { receipt } = given;
  const shown = maybeShown && readShown(maybeShown, receipt);
  const basis = await findBasis(receipt, settings, { networkFile: options.network, rpcUrl, cwd: terminal.cwd });
  if (shown) return verifyShown(run, shown, receipt, { basis, rpcUrl });
  const digest = await digestOf();
  const { signal } = run;
  const result = await verifyDigest(digest, receipt, { ...basis, rpcUrl, crypto: await loadCrypto(), signal });
  print(run, receipt, result, basis);
}

async function hashFileShown(run: Run<VerifyFlags>, path: string): Promise<Uint8Array> {
  let bar: Progress | undefined;
  let before = 0;
  const onProgress = (readBytes: number, sizeBytes: number): void => {
    bar ??= new Progress(run.output, 'hashing', sizeBytes, sizeText);
    bar.advance(readBytes - before);
    before = readBytes;
  };
  try {
    return (await hashContent(path, { signal: run.signal, onProgress })).digest;
  } finally {
    bar?.stop();
  }
}

function print(run: Run<VerifyFlags>, receipt: Receipt, result: VerifyResult, basis: Basis): void {
  const { output } = run;
  const { steps } = result;
  const failure = failureOf(steps);
  output.json({
    ...result,
    ...failureJson(failure),
    ...basisJson(basis, steps),
    ...(failure.code === undefined ? { anchor: receipt.anchor } : {}),
  });
  printBasis(run, basis);
  printSteps(run, steps, ({ step, status, detail }) =>
    status === 'passed' ? stepText(step, receipt, result) : (detail ?? skippedText(step)),
  );
  printVerdict(run, failure);
}
