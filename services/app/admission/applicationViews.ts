import type { RegistryNode } from '../../chain/RegistryNode.ts';
import { type Report, reportSchema } from '../../core/admission/report.ts';
import { type Address, fromUtf8, type Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { proposalStateAt } from '../governance/proposalView.ts';
import type { ApplicationView } from './AdmissionDesk.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { type Admitting, readAdmitting } from './findAdmitting.ts';

type Parts = Pick<AdmissionParts, 'chain' | 'contents' | 'notices' | 'store' | 'governance' | 'network' | 'signer'>;

/** A report is some kilobytes; its format bounds it. */
const maxReportBytes = 64 * 1024;
/** Longest time that all reports of a list may take which other centres have to be asked for. */
const askMs = 5_000;

/** Candidates with a published application, with what is known of each. */
export async function applicationViews(parts: Parts, signal?: AbortSignal): Promise<ApplicationView[]> {
  const candidates = (await parts.chain.nodes()).filter(({ status }) => status === 'candidate');
  return await viewsOf(parts, candidates, signal);
}

/** One of them; undefined where the account has none. */
export async function applicationView(
  parts: Parts,
  candidate: Address,
  signal?: AbortSignal,
): Promise<ApplicationView | undefined> {
  const node = (await parts.chain.nodes()).filter(({ address }) => address === candidate);
  return (await viewsOf(parts, node, signal))[0];
}

async function viewsOf(
  parts: Parts,
  nodes: readonly RegistryNode[],
  signal: AbortSignal | undefined,
): Promise<ApplicationView[]> {
  const applied = nodes.filter(({ application }) => application !== undefined);
  if (applied.length === 0) return [];
  const admitting = await readAdmitting(parts);
  const asking = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(askMs)]);
  return await Promise.all(applied.map((node) => viewOf(parts, node, admitting, asking)));
}

async function viewOf(
  parts: Parts,
  node: RegistryNode,
  admitting: Admitting,
  signal: AbortSignal,
): Promise<ApplicationView> {
  const { address: candidate, application, isAuthenticator: _, ...entry } = node;
  const { name, ...rest } = application!;
  const proposal = admitting(candidate, name);
  const report = await reportOf(parts, rest.profileDigest, signal);
  return {
    candidate,
    ...entry,
    application: name,
    ...rest,
    ...(report ? { report } : {}),
    ...(proposal
      ? {
          proposal: {
            proposalId: proposal.proposalId,
            state: proposalStateAt(proposal, parts.notices.chainSeconds()),
          },
        }
      : {}),
  };
}

/** A report by its digest; undefined where no centre gives it, or it is none. */
export async function reportOf(
  { contents }: Pick<AdmissionParts, 'contents'>,
  digest: Hash,
  signal?: AbortSignal,
): Promise<Report | undefined> {
  try {
    const bytes = await contents.get(digest, { maxBytes: maxReportBytes, ...(signal ? { signal } : {}) });
    return reportSchema.safeParse(parseStrictJson(fromUtf8(bytes))).data;
  } catch (error) {
    if (isNotariumError(error) || error === signal?.reason) return undefined;
    throw error;
  }
}
