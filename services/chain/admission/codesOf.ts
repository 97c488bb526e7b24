import type { ErrorData } from '../../core/errors.ts';
import type { CodeWithData, ErrorCodes } from '../callErrors.ts';
import { statusOf } from '../readRegistry.ts';

const times = ({ have, want }: ErrorData): ErrorData => ({ have, want });

const refusedByStatus: CodeWithData = {
  code: 'application-refused',
  data: ({ have }) => ({ status: statusOf(have as number) }),
};

/** The codes of each call. */
export const codesOf = {
  applyFor: {
    ApplicationsClosed: 'admission-closed',
    ApplicationEarly: { code: 'application-early', data: times },
    TransitionRefused: refusedByStatus,
    AttestationExpired: { code: 'attestation-expired', data: times },
    AttestationsMissed: 'attestation-invalid',
    AttesterOrder: 'attestation-invalid',
    AttesterRefused: 'attestation-invalid',
    ManifestMismatch: 'attestation-invalid',
    NonceMismatch: 'attestation-invalid',
    ScoreTooLow: 'attestation-invalid',
    SignatureInvalid: 'attestation-invalid',
    SignatureLength: 'attestation-invalid',
    SignatureMalleable: 'attestation-invalid',
  },
  publish: { TransitionRefused: refusedByStatus },
} as const satisfies Record<string, ErrorCodes>;
