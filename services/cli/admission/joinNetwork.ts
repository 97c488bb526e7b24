import { join, resolve } from 'node:path';
import type { JoinStep } from '../../app/admission/join.ts';
import { type CheckedManifest, maxManifestBytes, readManifest } from '../../core/admission/manifest.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { readKeystore } from '../../lib/keystore.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import { makeKeys, writeSettings } from '../dataFolder.ts';
import { exists } from '../exists.ts';
import { durationText, timeText } from '../governance/texts.ts';
import { readPassword } from '../openClient.ts';
import { Progress } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { shellWord } from '../shellWord.ts';
import { figureLines, machineText } from './profileTexts.ts';
import { refusalLines } from './refusalLines.ts';

/** Options of `notarium join`. */
export type JoinFlags = {
  authenticator?: readonly string[];
  manifest?: string;
  name?: string;
  endpoint?: string;
  statement?: string;
  statementFile?: string;
  again?: boolean;
  status?: boolean;
};

const maxStatementBytes = 4_000;

/** `notarium join`. */
export async function joinNetwork(run: Run<JoinFlags>): Promise<void> {
  const { options, settings, actions, output } = run;
  const { keystore, password } = await ensureKeys(run);
  const manifestPath = options.manifest ?? join(settings.data, 'manifest.json');
  const manifest = await manifestFrom(run, manifestPath);
  const statement = await statementOf(run);
  const { authenticator: authenticators, name, endpoint, again } = options;
  const shown = new Steps(run);
  let isRight = false;
  try {
    const joined = await actions.join(run, {
      keystore,
      password,
      manifest,
      ...(authenticators ? { authenticators } : {}),
      ...(name === undefined ? {} : { name }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(statement === undefined ? {} : { statement }),
      ...(again ? { again } : {}),
      onStep: (step) => {
        isRight = true;
        shown.take(step);
      },
    });
    shown.stop();
    output.json({ ok: true, ...joined });
    output.line(`${output.mark('passed')} application  ${joined.application}, until ${timeText(joined.expiry)}`);
    if (!shown.hasSent) {
      output.note(
        '',
        'Nothing was left to do. "notarium join --status" says how the application stands, and --again applies anew.',
      );
      return;
    }
    output.note(
      '',
      `What comes next: the centres vote on the application; "notarium join --status" says how that stands.`,
      'Start the node now, and leave it running: it takes its place by itself when it is admitted.',
      `  notarium node --data ${shellWord(settings.data)} --rpc ${shellWord(settings.rpcUrl ?? '')} --contract ${settings.contract}`,
    );
  } catch (error) {
    shown.stop();
    if (!isNotariumError(error)) throw error;
    run.fail(error);
    output.note(...refusalLines(error));
  } finally {
    // A first step shows that chain and contract are no slip: they are kept from now on.
    if (isRight && settings.keystore === undefined) await writeSettings(run);
  }
}

/** The keys, made where there are none. */
async function ensureKeys(run: Run<JoinFlags>): Promise<{ keystore: string; password: string }> {
  const { settings, terminal, output } = run;
  const keystore = settings.keystore ?? join(settings.data, 'keystore');
  const isNew = settings.keystore === undefined && !(await exists(keystore));
  const { password } = isNew
    ? await makeKeys(run)
    : { password: await readPassword(settings, terminal, `Password of ${keystore}`) };
  const { address } = await readKeystore(keystore);
  output.line(`${output.mark('passed')} key          ${address}${isNew ? `, made in ${keystore}` : ''}`);
  if (isNew)
    output.note('Keep the password and a copy of the keystore apart from one another: nobody can replace them.');
  return { keystore, password };
}

async function manifestFrom({ terminal }: Run<JoinFlags>, path: string): Promise<CheckedManifest> {
  return readManifest(await readSmallFile(resolve(terminal.cwd, path), { maxBytes: 2 * maxManifestBytes }));
}

async function statementOf({ options, terminal }: Run<JoinFlags>): Promise<string | undefined> {
  const { statement, statementFile } = options;
  if (statementFile === undefined) return statement;
  if (statement !== undefined) throw new NotariumError('usage-invalid', 'give --statement or --statement-file');
  const text = await readSmallFile(resolve(terminal.cwd, statementFile), { maxBytes: maxStatementBytes });
  return text.toString().trimEnd();
}

/** Shows each step as it comes; a bar for the challenge. */
class Steps {
  /** Whether the chain has something now that it had not. */
  hasSent = false;
  readonly #run: Run<JoinFlags>;
  #bar: Progress | undefined;
  #under = '';
  #rules: AdmissionRules | undefined;

  constructor(run: Run<JoinFlags>) {
    this.#run = run;
  }

  take(step: JoinStep): void {
    const { output } = this.#run;
    const passed = (what: string, text: string): void => {
      this.stop();
      output.line(`${output.mark('passed')} ${what.padEnd(12)} ${text}`);
    };
    switch (step.step) {
      case 'rules':
        this.#rules = step.rules;
        passed('manifest', `${step.rules.manifestHash}, as the chain asks for`);
        break;
      case 'measuring':
        this.#show('measuring this machine', step.check, step.done, 1);
        break;
      case 'measured':
        passed('machine', machineText(step.reported));
        for (const line of figureLines(step.reported, this.#rules!)) output.line(`               ${line}`);
        break;
      case 'packet':
        this.#show(
          `packet ${step.packet} of ${step.packets} of ${step.authenticator}`,
          step.check,
          step.packet - 1 + step.done,
          step.packets,
        );
        break;
      case 'attested': {
        const { report, authenticator } = step;
        passed('challenge', `passed at ${authenticator}, score ${report.score}`);
        for (const line of figureLines(report.measured, this.#rules!)) output.line(`               ${line}`);
        break;
      }
      case 'kept':
        passed('challenge', `passed before; good for ${durationText(step.expiry - Date.now() / 1000)} more`);
        break;
      case 'applied':
        this.hasSent = true;
        passed('applied', `transaction ${step.transactionHash}, ${step.gasUsed} gas`);
        break;
      case 'published':
        this.hasSent = true;
        passed('published', `transaction ${step.transactionHash}, ${step.gasUsed} gas`);
        break;
    }
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#under = '';
  }

  #show(what: string, check: string, done: number, total: number): void {
    const { output } = this.#run;
    const label = `${what}: ${check}`;
    // Where there is no bar, one line for each packet.
    if (label !== this.#under && !output.stderr.isTTY) output.note(label);
    this.#under = label;
    if (!output.stderr.isTTY) return;
    this.#bar ??= new Progress(output, label, total, (value) => value.toFixed(1));
    this.#bar.at(done, label);
  }
}
