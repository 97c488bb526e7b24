import type { CheckedManifest } from '../../core/admission/manifest.ts';
import type { SessionAnswer } from '../../core/admission/sessionAnswer.ts';
import type { Address } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import type { Verifier } from '../../core/governance/signing.ts';
import type { Signer } from '../../core/signature.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import type { Work } from './work/Work.ts';

/** What a session needs of the rest. */
export type SessionParts = {
  /** `NodeRegistry`. */
  readonly registry: Verifier;
  /** What the registry says of an account: whether it may attest, and what the nonce of its next application is. */
  readonly node: (address: Address) => Promise<{ readonly isAuthenticator: boolean; readonly appliedAt: number }>;
  /** `eip155:<chain id>:<BlockAnchor>` */
  readonly network: string;
  readonly manifest: CheckedManifest;
  /** As the chain has them: nobody makes this node do more work than they ask for. */
  readonly rules: AdmissionRules;
  readonly signer: Signer;
  readonly crypto: NativeCrypto;
  readonly clock: Clock;
  readonly work: Work;
};

/** How a session ended well. */
export type Passed = Exclude<SessionAnswer, { packet: unknown }>;
