import type { RegistryNode } from '../../chain/RegistryNode.ts';
import { readManifest } from '../../core/admission/manifest.ts';
import { verdictCodes } from '../../core/admission/verdicts.ts';
import { networkName } from '../../core/eip712.ts';
import { type ErrorCode, isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { every, type Loop } from '../../lib/every.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { joinSession } from './joinSession.ts';
import { readMachine } from './measureMachine.ts';
import { Work } from './work/Work.ts';

/** What renewal works with. */
export type RenewalParts = Pick<
  AdmissionParts,
  | 'chain'
  | 'registry'
  | 'signer'
  | 'crypto'
  | 'contents'
  | 'clock'
  | 'logger'
  | 'problems'
  | 'store'
  | 'network'
  | 'notices'
>;

/** Name in `meta` of when this centre has passed the last time, Unix milliseconds. */
const passedMeta = 'renewal-passed';
/** Two thirds of the time: so there is a third left to try again. */
const share = 2 / 3;
const longestWaitMs = 3_600_000;

/** How renewal goes about it. */
export type RenewalOptions = {
  /** Data folder: the disk that counts. */
  readonly folder: string;
  /** How often it looks whether it is time; 10 seconds by default. */
  readonly lookMs?: number;
  /** Wait after a failure, which doubles with each further one up to an hour; a minute by default. */
  readonly firstWaitMs?: number;
};

/** What is this machine's own doing: a verdict, or a disk without room for the work. */
const verdicts: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...verdictCodes, 'storage-full']);

/**
 * Shows an authenticator, every so often, that this centre still meets the minimum. While it does not, the centre has the problem
 * `centre-below-minimum`; it goes on with its work all the same, and whether it stays is for the committee to decide.
 */
export class Renewal {
  readonly #parts: RenewalParts;
  readonly #options: Required<RenewalOptions>;
  readonly #stop = new AbortController();
  #failed = 0;
  /** By the clock. */
  #nextMs = 0;
  /** When it was time for the first time, by the clock. */
  #sinceMs: number | undefined;
  #loop: Loop | undefined;

  constructor(parts: RenewalParts, options: RenewalOptions) {
    this.#parts = parts;
    this.#options = { lookMs: 10_000, firstWaitMs: 60_000, ...options };
  }

  start(): void {
    const { logger, clock } = this.#parts;
    const { signal } = this.#stop;
    this.#loop = every(this.#options.lookMs, () => this.#look(), { signal, logger, name: 'renewal', clock });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
  }

  async #look(): Promise<void> {
    const { registry, signer, clock, chain, notices, problems } = this.#parts;
    const own = registry.active().find(({ address }) => address === signer.address);
    if (!own || isAhead(clock.nowMs(), this.#nextMs)) return;
    const rules = await chain.admission.rules();
    if (rules.renewSeconds === 0) {
      problems.clear('centre-below-minimum');
      return;
    }
    const passedMs = await this.#passedMs(own);
    if (clock.nowMs() < passedMs + share * 1000 * rules.renewSeconds) return;
    // Another process of this centre does it.
    if (!(await notices.lease())) return;
    // Who has never been looked at, as a founder, has as long from now on.
    this.#sinceMs ??= clock.nowMs();
    await this.#renew(own, rules, clock.nowMs() > (passedMs || this.#sinceMs) + 1000 * rules.renewSeconds);
  }

  async #passedMs({ application }: RegistryNode): Promise<number> {
    const { store, clock } = this.#parts;
    const kept = Number((await store.getMeta(passedMeta)) ?? 0);
    // The clock was ahead then: nobody knows when that was.
    return Math.max(kept > clock.nowMs() + longestWaitMs ? 0 : kept, 1000 * (application?.appliedAt ?? 0));
  }

  async #renew(own: RegistryNode, rules: AdmissionRules, isOverdue: boolean): Promise<void> {
    const { registry, store, clock, logger, problems } = this.#parts;
    const others = registry.others().filter(({ isAuthenticator, endpoint }) => isAuthenticator && endpoint !== '');
    // Nobody challenges itself: where there is no other one, nobody can say.
    if (others.length === 0) return;
    // Another one after each failure.
    const asked = others[this.#failed % others.length]!;
    try {
      const { report } = await this.#ask(own, rules, asked.endpoint);
      await store.setMeta(passedMeta, String(clock.nowMs()));
      this.#failed = 0;
      this.#nextMs = 0;
      problems.clear('centre-below-minimum');
      logger.info({ authenticator: asked.address, score: report.score }, 'this centre meets the minimum');
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      this.#fail(error, asked, isOverdue);
    }
  }

  async #ask(own: RegistryNode, rules: AdmissionRules, url: string) {
    const { chain, network, contents, crypto, signer, clock } = this.#parts;
    const { signal } = this.#stop;
    const { name, endpoint, encryptionKey, noteKey } = own;
    const manifest = readManifest(await contents.get(rules.manifestHash, { signal }), crypto);
    // The centre's own work goes first.
    await using work = new Work({ folder: this.#options.folder, isGentle: true });
    const { registry, node } = chain.admission;
    return await joinSession(
      { registry, node, network: networkName(network), manifest, rules, signer, crypto, clock, work },
      url.replace(/\/+$/, ''),
      {
        purpose: 'renewal',
        entry: { name, endpoint, encryptionKey, noteKey },
        statement: '',
        reported: await readMachine(this.#options.folder),
      },
      { signal },
    );
  }

  #fail(error: unknown, { address }: RegistryNode, isOverdue: boolean): void {
    const { clock, logger, problems } = this.#parts;
    const waitMs = Math.min(longestWaitMs, this.#options.firstWaitMs * 2 ** this.#failed);
    this.#failed++;
    const retryAt = isNotariumError(error) ? Date.parse(String(error.data.retryAt)) : Number.NaN;
    const nowMs = clock.nowMs();
    // What one authenticator says keeps nobody from asking the next one for long.
    const saidMs = Number.isNaN(retryAt) ? 0 : Math.min(retryAt, nowMs + longestWaitMs);
    this.#nextMs = Math.max(nowMs + waitMs, saidMs);
    logger.warn(
      { err: error, authenticator: address, nextMs: this.#nextMs },
      'this centre was not authenticated again',
    );
    const isVerdict = isNotariumError(error) && verdicts.has(error.code);
    // Who cannot be reached says nothing of this machine; but in the end nobody knows.
    if (!isVerdict && !isOverdue) return;
    const why = isNotariumError(error) ? `${error.code}: ${error.message}` : String(error);
    problems.raiseError(new NotariumError('centre-below-minimum', why));
  }
}

/** Whether a moment is to come; so far off is only what the clock was set back behind. */
const isAhead = (nowMs: number, atMs: number): boolean => nowMs < atMs && atMs <= nowMs + 2 * longestWaitMs;
