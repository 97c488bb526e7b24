import type { Acceptance } from '../../core/acceptance.ts';
import { checkAcceptance } from '../../core/acceptance.ts';
import type { RecordId } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { type NetworkAnswer, networkAnswerSchema } from './answers.ts';
import type { CentreHttp } from './CentreHttp.ts';
import { findTrustedNetwork, networkFilePath, saveTrustedNetwork } from './NetworkFolder.ts';
import { isKnownCentre, networkOf, newCommittees, type TrustedNetwork, trustedFromAnswer } from './TrustedNetwork.ts';

/** What came of comparing the centre's network with the trusted one. */
export type TrustOutcome = {
  readonly trusted: TrustedNetwork;
  readonly answer: NetworkAnswer;
  /** `pinned`: nothing was known, so the centre's word was taken (trust on first use). `extended`: what was new was added. */
  readonly status: 'given' | 'known' | 'pinned' | 'extended';
  /** Epochs that the centre tells of and that are not trusted. */
  readonly untrustedEpochs: readonly number[];
  /** Where it is kept. */
  readonly path?: string;
};

/** Where a client's trust comes from. */
export type TrustOptions = {
  /** Given beforehand: nothing the centre says changes it. */
  readonly trusted?: TrustedNetwork | undefined;
  /** Folder of pinned networks; without it the pin lasts as long as the client. */
  readonly networksFolder?: string | undefined;
  /** Adds epochs that the centre tells of, and the governor where none is known. Only for who has compared them with another source. */
  readonly trustNewEpochs?: boolean | undefined;
};

/**
 * The trusted network of a client: given, or pinned on first use and compared with the centre's answer ever after.
 * @throws NotariumError `network-changed` when the centre contradicts it; those of {@link CentreHttp.json}.
 */
export async function establishTrust(
  http: CentreHttp,
  options: TrustOptions,
  signal?: AbortSignal,
): Promise<TrustOutcome> {
  const answer = await http.json({ path: '/v1/network', signal }, networkAnswerSchema);
  const told = trustedFromAnswer(answer, http.url);
  const { trusted: given, networksFolder: folder } = options;
  const path = folder === undefined || given !== undefined ? {} : { path: networkFilePath(folder, told.network) };
  const known = given ?? (folder === undefined ? undefined : await findTrustedNetwork(folder, told.network));
  if (known === undefined) {
    if (folder !== undefined) await saveTrustedNetwork(folder, told);
    return { trusted: told, answer, status: 'pinned', untrustedEpochs: [], ...path };
  }
  let added: ReturnType<typeof newCommittees>;
  try {
    added = newCommittees(known, told);
  } catch (error) {
    if (!(error instanceof NotariumError) || path.path === undefined) throw error;
    throw new NotariumError('network-changed', `${String(error.data.field)} (${path.path})`, {
      data: { ...error.data, ...path },
      cause: error,
    });
  }
  const { governor = told.governor } = known;
  const isNew = added.length > 0 || governor !== known.governor;
  if (isNew && options.trustNewEpochs && given === undefined) {
    const committees = [...known.committees, ...added].sort((a, b) => a.epoch - b.epoch);
    const extended = {
      ...known,
      ...(governor === undefined ? {} : { governor }),
      committees: committees.map(({ epoch, members }) => ({ epoch, members: [...members] })),
    };
    if (folder !== undefined) await saveTrustedNetwork(folder, extended);
    return { trusted: extended, answer, status: 'extended', untrustedEpochs: [], ...path };
  }
  const untrustedEpochs = added.map(({ epoch }) => epoch);
  return { trusted: known, answer, status: given === undefined ? 'known' : 'given', untrustedEpochs, ...path };
}

/**
 * Checks that an acceptance is for this record, and signed by a centre of a known committee.
 * @throws NotariumError `acceptance-signer-unknown`, `server-answer-invalid` (another record), the signature codes.
 */
export function checkAcceptanceOf(id: RecordId, acceptance: Acceptance, trusted: TrustedNetwork, crypto: Crypto): void {
  if (acceptance.recordId !== id) {
    throw new NotariumError('server-answer-invalid', 'the acceptance is for another record', {
      data: { have: acceptance.recordId, want: id },
    });
  }
  if (!isKnownCentre(trusted, acceptance.centre)) {
    throw new NotariumError('acceptance-signer-unknown', undefined, { data: { have: acceptance.centre } });
  }
  checkAcceptance(networkOf(trusted), acceptance, crypto);
}
