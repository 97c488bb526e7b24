import type { Disclosure } from '../../core/activities/disclosure.ts';
import type { Fields } from '../../core/activities/fields.ts';
import { deviceOf, messageId } from '../../core/activities/parcel.ts';
import { pointerOf } from '../../core/activities/pointer.ts';
import { missingIn, verifyCertificate } from '../../core/activities/verifyCertificate.ts';
import {
  type DisclosureStep,
  type DisclosureVerifyResult,
  type VerifyRecord,
  verifyDisclosure,
} from '../../core/activities/verifyDisclosure.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { StepResult } from '../../core/StepRun.ts';
import type { ReceiptStep, VerifyResult } from '../../core/verifyReceipt.ts';
import { verifyDigest } from '../../lib/client/verifyContent.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import type { VerifyFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import type { Basis } from './basis.ts';
import { headLines } from './headLines.ts';
import { basisJson, failureJson, failureOf, printBasis, printSteps, printVerdict } from './printSteps.ts';
import type { ShownFile } from './shownFile.ts';
import { skippedText, stepText } from './stepTexts.ts';

/** Most lines of a body that are printed for people, and most places where something is hidden. */
const maxBodyLines = 200;
const maxHiddenLines = 20;

/** `notarium verify` with what shows something of a private activity: a disclosure or a trust certificate. */
export async function verifyShown(
  run: Run<VerifyFlags>,
  shown: ShownFile,
  receipt: Receipt,
  options: { readonly basis: Basis; readonly rpcUrl: string | undefined },
): Promise<void> {
  const crypto = await loadCrypto();
  const { basis, rpcUrl } = options;
  const verifyRecord: VerifyRecord = (digest, about) =>
    verifyDigest(digest, about, { ...basis, rpcUrl, crypto, signal: run.signal });
  if (shown.kind === 'disclosure') {
    const result = await verifyDisclosure(shown.disclosure, receipt, { verifyRecord, crypto });
    return printDisclosure(run, shown.disclosure, receipt, result, basis);
  }
  const { certificate } = shown;
  const { steps, receipt: record } = await verifyCertificate(certificate, receipt, { verifyRecord, crypto });
  const failure = failureOf(steps);
  const { message, signatures } = certificate;
  const members = signatures.map(({ member }) => member);
  const missing = missingIn(certificate);
  run.output.json({
    ...failureJson(failure),
    kind: 'trust-certificate',
    steps,
    ...basisJson(basis, steps),
    ...(failure.code === undefined ? { message, members, missing, anchor: receipt.anchor } : {}),
  });
  printBasis(run, basis);
  printSteps(run, steps, (step) =>
    step.step === 'signatures'
      ? `${members.length} of the ${certificate.members.length} to whom message ${message} went have signed it`
      : recordText(step as StepResult<ReceiptStep>, receipt, record, 'the record names this very certificate'),
  );
  if (failure.code === undefined) {
    run.output.line(
      ...members.map((member) => `  signed by ${member}`),
      ...missing.map((member) => `  not signed by ${member}`),
      ...(missing.length > 0 ? [missingNote] : []),
      certificateNote,
    );
  }
  printVerdict(run, failure);
}

const missingNote = '  why some have not signed, or whether they were members still, it does not show';
const certificateNote = '  what they have signed is for who knows the activity';

function printDisclosure(
  run: Run<VerifyFlags>,
  disclosure: Disclosure,
  receipt: Receipt,
  result: DisclosureVerifyResult,
  basis: Basis,
): void {
  const { output } = run;
  const { steps, shown } = result;
  const failure = failureOf(steps);
  const { author, attachments } = disclosure;
  const { fields } = shown.body ?? {};
  output.json({
    ...failureJson(failure),
    kind: 'disclosure',
    steps,
    ...basisJson(basis, steps),
    ...(failure.code === undefined
      ? {
          message: shown.message,
          ...(shown.body ? { body: shown.body.value } : {}),
          ...(fields ? fieldsJson(fields) : {}),
          ...(shown.author ? { author: shown.author } : {}),
          ...(shown.device ? { device: shown.device } : {}),
          ...(author ? { head: author.head } : {}),
          ...(attachments ? { attachments: attachments.shown.map(({ attachment }) => attachment) } : {}),
          anchor: receipt.anchor,
        }
      : {}),
  });
  printBasis(run, basis);
  printSteps(run, steps, (step) => disclosureText(step, disclosure, receipt, result));
  if (shown.body) {
    const lines = JSON.stringify(shown.body.value, null, 2).split('\n');
    output.line(...lines.slice(0, maxBodyLines).map((line) => `  ${line}`));
    if (lines.length > maxBodyLines) output.line(`  … ${lines.length - maxBodyLines} lines more: --json shows all`);
    output.line(...hiddenLines(shown.body.fields?.hiddenIn ?? []));
  }
  if (failure.code === undefined && author) output.line(...headLines(author.head));
  printVerdict(run, failure);
}

function fieldsJson({ shown, hidden, hiddenIn }: Fields): Record<string, unknown> {
  return {
    fields: shown.map(pointerOf),
    hiddenFields: hidden,
    hiddenIn: hiddenIn.map(({ path, count }) => ({ field: pointerOf(path), count })),
  };
}

/** Where something is left out: a part of a list looks like the whole of another one. */
function hiddenLines(hiddenIn: Fields['hiddenIn']): string[] {
  const lines = hiddenIn.map(
    ({ path, count }) => `  not shown: ${count} of ${path.length === 0 ? 'the body itself' : pointerOf(path)}`,
  );
  if (lines.length <= maxHiddenLines) return lines;
  return [...lines.slice(0, maxHiddenLines), `  … ${lines.length - maxHiddenLines} more places: --json shows all`];
}

function disclosureText(
  step: StepResult<DisclosureStep | ReceiptStep>,
  disclosure: Disclosure,
  receipt: Receipt,
  { shown, receipt: record }: DisclosureVerifyResult,
): string {
  const isShown = step.status === 'passed';
  switch (step.step) {
    case 'form':
      return 'it has the form of a disclosure';
    case 'body': {
      if (!isShown) return 'the body is not disclosed';
      if (!('sdJwt' in disclosure.body!)) return 'this is the body of the message, whole';
      const { fields } = shown.body ?? {};
      return fields
        ? `these fields of the body are signed by ${fields.author}; hidden: ${fields.hidden || 'none'}`
        : 'the fields of the body are signed';
    }
    case 'author': {
      if (!isShown) return 'the head is not disclosed: who sent it to whom';
      const { head } = disclosure.author!;
      const device = deviceOf(head)?.credential;
      const forDevice = device
        ? `; the device ${device.device} (${JSON.stringify(device.name)}) has signed what it says`
        : '';
      return `${head.sender} has signed it as ${head.type} of an activity, and claims the time ${head.time}${forDevice}`;
    }
    case 'attachments': {
      if (!isShown) return 'no attachment is disclosed';
      const { shown: some, list } = disclosure.attachments!;
      const names = some.map(
        ({ attachment: { name, digest } }) => `${JSON.stringify(name)} (SHA-256 ${digest.slice(2)})`,
      );
      return `of ${list.length} attachments: ${names.join(', ')}`;
    }
    case 'message':
      return `that belongs to message ${messageId(disclosure.commitments)}, whose seal this is`;
    case 'seal':
      return 'the record is one about a private activity, made for this very seal';
    default:
      return recordText(step as StepResult<ReceiptStep>, receipt, record, 'the record names the digest of this seal');
  }
}

function recordText(
  step: StepResult<ReceiptStep>,
  receipt: Receipt,
  record: VerifyResult | undefined,
  contentText: string,
): string {
  if (step.status === 'skipped' || !record) return step.detail ?? skippedText(step.step);
  return step.step === 'content' ? contentText : stepText(step.step, receipt, record);
}
