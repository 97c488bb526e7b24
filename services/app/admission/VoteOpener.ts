import type { RegistryNode } from '../../chain/RegistryNode.ts';
import { reportSchema } from '../../core/admission/report.ts';
import type { Hex } from '../../core/bytes.ts';
import { Attempts } from '../governance/Attempts.ts';
import type { ProposalActions } from '../governance/ProposalActions.ts';
import { proposalStateAt } from '../governance/proposalView.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { admissionDraft } from './admissionDraft.ts';
import { readAdmitting } from './findAdmitting.ts';

type Parts = Pick<AdmissionParts, 'chain' | 'store' | 'governance' | 'network' | 'signer' | 'notices' | 'logger'> & {
  readonly registry: Pick<AdmissionParts['registry'], 'nodes'>;
};
type Applied = Required<Pick<RegistryNode, 'application'>> & RegistryNode;

/**
 * Proposes to admit those whose reports this authenticator has made, as soon as they have applied and published: once for each
 * application, whoever does it, and also where this process ends in the midst of it.
 */
export class VoteOpener {
  readonly #parts: Parts;
  readonly #propose: ProposalActions['propose'];
  /** Applications about which there is nothing more to do, and attempts for the others. */
  readonly #done = new Set<Hex>();
  readonly #attempts = new Map<Hex, Attempts>();

  constructor(parts: Parts, propose: ProposalActions['propose']) {
    this.#parts = parts;
    this.#propose = propose;
  }

  /** Looks who has applied; what follows from it goes on in the background. */
  async look(signal: AbortSignal): Promise<void> {
    const { registry, notices, logger } = this.#parts;
    const now = notices.chainSeconds();
    const applied = registry
      .nodes()
      .filter((node): node is Applied => node.status === 'candidate' && node.application !== undefined);
    this.#forgetBut(new Set(applied.map(({ application }) => application.name)));
    for (const node of applied) {
      const { name, expiry } = node.application;
      if (this.#done.has(name) || now > expiry) continue;
      const attempts = this.#attempts.get(name) ?? new Attempts();
      this.#attempts.set(name, attempts);
      if (!attempts.isReady) continue;
      attempts.start(
        () => this.#open(node, signal),
        (error) => logger.warn({ err: error, candidate: node.address }, 'no vote on a candidate could be opened'),
      );
    }
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    for (const attempts of this.#attempts.values()) await attempts.ended();
  }

  async #open({ address, application }: Applied, signal: AbortSignal): Promise<boolean> {
    const { store, chain, signer, notices, logger } = this.#parts;
    const { name, profileDigest } = application;
    const outcome = await store.outcomeOfDocument(profileDigest);
    const report = outcome && reportSchema.safeParse(JSON.parse(outcome.document)).data;
    // Of another authenticator: that one proposes.
    const isOurs = report?.candidate === address;
    const found = isOurs ? (await readAdmitting(this.#parts))(address, name) : undefined;
    // Another centre may still take it back, which must not keep the candidate from any vote.
    const isOthers = found !== undefined && found.proposer !== signer.address;
    if (isOthers && proposalStateAt(found, notices.chainSeconds()) === 'pending') return false;
    if (isOurs && (!found || (isOthers && found.canceled))) {
      const draft = admissionDraft(report, application, await chain.admission.rules());
      const { proposalId, isNew } = await this.#propose(draft, signal);
      if (isNew) logger.info({ candidate: address, proposalId }, 'a vote on a candidate is open');
    }
    this.#done.add(name);
    return true;
  }

  #forgetBut(names: ReadonlySet<Hex>): void {
    for (const name of this.#done) if (!names.has(name)) this.#done.delete(name);
    for (const [name, { isRunning }] of this.#attempts) if (!names.has(name) && !isRunning) this.#attempts.delete(name);
  }
}
