import type { RegistryNode } from '../../chain/RegistryNode.ts';
import { proposalStateAt } from '../governance/proposalView.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { readAdmitting } from './findAdmitting.ts';

type Parts = Pick<AdmissionParts, 'chain' | 'notices' | 'store' | 'governance' | 'network' | 'signer'>;

const timeText = (unixSeconds: number): string => new Date(1000 * unixSeconds).toISOString().replace('.000Z', 'Z');

/** Why a candidate is no centre yet, and what it can do, as the end of a sentence about it. */
export async function whyNotAdmitted(parts: Parts, { address, application }: RegistryNode): Promise<string> {
  if (!application) return 'is a candidate in the registry without an application that can be voted on';
  const { name, appliedAt, expiry } = application;
  const nowSeconds = parts.notices.chainSeconds();
  const { reapplySeconds } = await parts.chain.admission.rules();
  const again = `it may apply again from ${timeText(Math.max(nowSeconds, appliedAt + reapplySeconds))} on`;
  const proposal = (await readAdmitting(parts))(address, name);
  const state = proposal && proposalStateAt(proposal, nowSeconds);
  if (state === 'defeated') return `is a candidate that a vote has refused; ${again}`;
  if (nowSeconds > expiry) return `is a candidate whose application has expired; ${again}`;
  if (state === 'pending' || state === 'active') {
    return `is a candidate on whom the centres vote until ${timeText(proposal!.voteEnd)}`;
  }
  if (state === 'succeeded') return 'is a candidate that a vote has admitted, which is to be executed';
  return `is a candidate whom nobody has proposed yet; its application is good until ${timeText(expiry)}`;
}
