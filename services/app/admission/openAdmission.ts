import { readManifest } from '../../core/admission/manifest.ts';
import { zeroHash } from '../../core/block.ts';
import { utf8 } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { parseEntry } from '../../core/record.ts';
import type { StoredOutcome } from '../../store/AdmissionStore.ts';
import type { GovernanceParts, GovernanceWorker } from '../governance/GovernanceParts.ts';
import type { ProposalActions } from '../governance/ProposalActions.ts';
import type { AdmissionDesk, OutcomeView } from './AdmissionDesk.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { type AdmissionSettings, defaultAdmissionSettings } from './AdmissionSettings.ts';
import type { Authenticator } from './Authenticator.ts';
import { OutcomeKeeper } from './OutcomeKeeper.ts';
import { Renewal } from './Renewal.ts';
import { whyNotAdmitted } from './whyNotAdmitted.ts';

/** What the host gives beside the parts of governance. */
export type AdmissionOptions = {
  readonly settings?: Partial<AdmissionSettings>;
  readonly propose: ProposalActions['propose'];
  /** Called when clients may find new events. */
  readonly onChange: () => void;
  /** performance.now() by default. */
  readonly monotonicMs?: () => number;
  /** Data folder: the disk of which this centre shows, every so often, that it meets the minimum; without it it does not. */
  readonly renewalFolder?: string;
};

/** Admission of new centres: the desk, and what goes on by itself. */
export type OpenAdmission = { readonly desk: AdmissionDesk; readonly worker: GovernanceWorker };

/** Puts admission together. What only an authenticator needs is loaded when there is something for it to do. */
export function openAdmission(governance: GovernanceParts, options: AdmissionOptions): OpenAdmission {
  const { monotonicMs = () => performance.now() } = options;
  const parts: AdmissionParts = {
    ...governance,
    // It may come later.
    get replication() {
      return governance.replication;
    },
    admissionSettings: { ...defaultAdmissionSettings, ...options.settings },
    monotonicMs,
  };
  const { chain, contents, registry, signer, store, crypto } = parts;
  const outcomes = new OutcomeKeeper(parts);
  const renewal =
    options.renewalFolder === undefined ? undefined : new Renewal(parts, { folder: options.renewalFolder });
  let loading: Promise<Authenticator> | undefined;
  let duties: Promise<GovernanceWorker> | undefined;
  let isOpen = false;

  const isAuthenticator = (): boolean =>
    registry.active().some(({ address, isAuthenticator: isOne }) => address === signer.address && isOne === true);

  const authenticator = (): Promise<Authenticator> => {
    if (!isAuthenticator()) throw new NotariumError('authenticator-missing');
    loading ??= loadAuthenticator(parts, outcomes).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };

  const desk: AdmissionDesk = {
    async authenticator() {
      if (!isAuthenticator()) throw new NotariumError('authenticator-missing');
      return { authenticator: signer.address, rules: await chain.admission.rules() };
    },

    async manifest(signal) {
      const { manifestHash } = await chain.admission.rules();
      if (manifestHash === zeroHash) throw new NotariumError('not-found', 'the rules on chain name no manifest');
      return readManifest(await contents.get(manifestHash, signal ? { signal } : {}), crypto).bytes;
    },

    async makeManifest(agreement) {
      const { makeManifest } = await import('./makeManifest.ts');
      const { bytes, hash, manifest } = makeManifest(parts, agreement);
      await contents.put(bytes);
      return { hash, manifest };
    },

    begin: async (body, caller) => (await authenticator()).begin(body, caller),
    answer: async (session, body) => (await authenticator()).answer(session, body),

    async applications(signal) {
      const { applicationViews } = await import('./applicationViews.ts');
      return await applicationViews(parts, signal);
    },

    async application(candidate, signal) {
      const { applicationView } = await import('./applicationViews.ts');
      return await applicationView(parts, candidate, signal);
    },

    async outcomes({ candidate, cursor, limit }) {
      const query = { ...(candidate ? { candidate } : {}), ...(cursor === undefined ? {} : { beforeSeq: cursor }) };
      const found = await store.outcomes({ ...query, limit: limit + 1 });
      const items = found.slice(0, limit).map(outcomeView);
      return found.length > limit ? { items, next: String(items.at(-1)!.seq) } : { items };
    },
  };

  return {
    desk,
    worker: {
      start() {
        registry.explainBy((candidate) => whyNotAdmitted(parts, candidate));
        renewal?.start();
        isOpen = true;
        outcomes.start();
        registry.onRead(async () => {
          if (!isOpen || !isAuthenticator()) return;
          duties ??= startDuties(parts, options);
          await duties;
        });
      },
      async close() {
        await renewal?.close();
        isOpen = false;
        await (await duties)?.close();
        await (await loading?.catch(() => undefined))?.close();
        await outcomes.close();
      },
    },
  };
}

async function startDuties(parts: AdmissionParts, options: AdmissionOptions): Promise<GovernanceWorker> {
  const { AdmissionDuties } = await import('./AdmissionDuties.ts');
  const duties = new AdmissionDuties(parts, options);
  duties.start();
  return duties;
}

async function loadAuthenticator(parts: AdmissionParts, outcomes: OutcomeKeeper): Promise<Authenticator> {
  const [{ Authenticator: Loaded }, { openLocator }] = await Promise.all([
    import('./Authenticator.ts'),
    import('./openLocator.ts'),
  ]);
  const locate = await openLocator(parts.admissionSettings.asnDatabase);
  return new Loaded({ ...parts, locate }, outcomes);
}

function outcomeView(stored: StoredOutcome): OutcomeView {
  const { isRecorded: _, timeMs, entry, document, ...rest } = stored;
  return {
    ...rest,
    time: new Date(timeMs).toISOString(),
    recordId: parseEntry(utf8(entry)).id,
    document: JSON.parse(document) as OutcomeView['document'],
  };
}
