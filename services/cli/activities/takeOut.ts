import { basename, resolve } from 'node:path';
import { disclosureText, makeDisclosure } from '../../core/activities/disclosure.ts';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';
import type { CentreFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import { shellWord } from '../shellWord.ts';
import { indexOf, messageOf, openActivity, short, versionOf } from './ActivityRun.ts';
import { awaitCertificate } from './awaitCertificate.ts';
import { newFile, writeAgain } from './newFile.ts';
import { nextCommand } from './nextCommand.ts';
import { fieldsOf } from './readContents.ts';
import { type ReceiptFlags, waitOf } from './receiptFlags.ts';

/** Options of `notarium activity disclose`. */
export type DiscloseFlags = CentreFlags & {
  readonly out?: string;
  readonly message?: string;
  readonly fields?: string;
  readonly whole?: boolean;
  readonly author?: boolean;
  readonly attachment?: readonly string[];
} & ReceiptFlags;

/** Options of `notarium activity receipt`. */
export type ReceiptFileFlags = CentreFlags & Pick<ReceiptFlags, 'wait'> & { readonly out?: string };
/** Options of `notarium activity certificate`. */
export type CertificateFlags = CentreFlags & ReceiptFlags & { readonly out?: string };

/** `notarium activity disclose`. */
export async function disclose(run: Run<DiscloseFlags>, text: string): Promise<void> {
  const { options, output, signal } = run;
  const { fields, whole = false, author = false } = options;
  if (whole && fields !== undefined) throw new NotariumError('usage-invalid', '--whole or --fields, not both');
  const wish = {
    body: fields === undefined ? whole : (fieldsOf(fields) as readonly string[]),
    author,
    attachments: (options.attachment ?? []).map(indexOf),
  };
  if (!whole && fields === undefined && !author && wish.attachments.length === 0)
    throw new NotariumError('usage-invalid', 'say what to show: --fields a.b,c, --whole, --author or --attachment N');
  const waitSeconds = waitOf(options);
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id, options.message);
  const path = await newFile(run, disclosureName(message));
  const { parcel, seal } = await activities.message(id, message, { signal });
  const { head, body, attachments, signature } = parcel;
  const receipt = options.receipt ? await activities.receipt(id, message, { signal, waitSeconds }) : undefined;
  const disclosure = makeDisclosure({ head, body, attachments, signature, id: message }, seal, { ...wish, receipt });
  await writeFileWhole(path, disclosureText(disclosure));
  output.json({ ok: true, path, message });
  output.line(`${output.mark('passed')} ${path}`);
  const file = options.out ?? basename(path);
  if (!receipt) {
    const command = `activity receipt ${short(id)} ${short(message)} --wait --out ${shellWord(receiptName(file))}`;
    output.note(`  To check it, its receipt is needed too: ${nextCommand(run, command)}`);
    return;
  }
  output.note(`  Anyone can check it: notarium verify ${shellWord(file)}`);
}

/** `notarium activity receipt`. */
export async function saveReceipt(run: Run<ReceiptFileFlags>, text: string, messageText?: string): Promise<void> {
  const { options, output, signal, terminal } = run;
  const waitSeconds = waitOf({ receipt: true, ...options });
  const { activities, id } = await openActivity(run, text);
  const message = await messageOf(run, activities, id, messageText);
  // Where `verify` looks for it, beside what `disclose` writes.
  const path = resolve(terminal.cwd, options.out ?? receiptName(disclosureName(message)));
  const receipt = await activities.receipt(id, message, { signal, waitSeconds });
  await writeAgain(path, `${JSON.stringify(receipt, null, 2)}\n`);
  output.json({ ok: true, path, message });
  output.line(`${output.mark('passed')} ${path}`);
}

function disclosureName(message: Hash): string {
  return `${short(message)}.disclosure.json`;
}

/** Where `notarium verify` looks for the receipt of a file. */
function receiptName(file: string): string {
  return `${file}.receipt.json`;
}

/** `notarium activity certificate`. */
export async function saveCertificate(run: Run<CertificateFlags>, text: string, version?: string): Promise<void> {
  const { options, output, signal, terminal } = run;
  // For the signatures, too: so also without the receipt.
  const waitSeconds = waitOf({ ...options, receipt: true });
  const startMs = performance.now();
  const { activities, nameOf, id } = await openActivity(run, text);
  const on = versionOf(await activities.get(id, { signal }), version);
  const path = resolve(terminal.cwd, options.out ?? `${short(on)}.certificate.json`);
  const receiptPath = receiptName(path);
  const asked = { activity: id, version: on };
  const certificate = await awaitCertificate({ activities, nameOf }, asked, { waitSeconds, signal });
  await writeAgain(path, `${JSON.stringify(certificate, null, 2)}\n`);
  output.line(
    `${output.mark('passed')} ${path}, signed by ${certificate.signatures.length} of ${certificate.members.length}`,
  );
  const done = { ok: true, path, version: on, signatures: certificate.signatures.length };
  if (!options.receipt) return output.json(done);
  const leftSeconds = Math.max(0, waitSeconds - Math.floor((performance.now() - startMs) / 1000));
  const asking = { signal, waitSeconds: leftSeconds };
  const receipt = await activities.certificateReceipt(id, on, asking).catch((error: unknown) => {
    // The certificate is there, and the same command goes on.
    if (isNotariumError(error, 'record-not-anchored'))
      output.note(`  its receipt is pending: ${basename(receiptPath)}`);
    throw error;
  });
  await writeAgain(receiptPath, `${JSON.stringify(receipt, null, 2)}\n`);
  output.json({ ...done, receipt: receiptPath });
  output.line(`${output.mark('passed')} ${receiptPath}`);
  output.note(`  Anyone can check it: notarium verify ${shellWord(options.out ?? basename(path))}`);
}
