import { z } from 'zod';
import type { ApplicationView, OutcomeView } from '../../app/admission/AdmissionDesk.ts';
import { purposes, signedJoinRequestSchema } from '../../core/admission/joinRequest.ts';
import { manifestSchema } from '../../core/admission/manifest.ts';
import { answerSchema } from '../../core/admission/packet.ts';
import { reportSchema } from '../../core/admission/report.ts';
import { authenticatorSchema, sessionAnswerSchema } from '../../core/admission/sessionAnswer.ts';
import { proposalStates } from '../../core/governance/proposalState.ts';
import { addressSchema, hashSchema, hexSchema } from '../../core/schemas.ts';

/** Answer of `GET /v1/admission`. */
export const authenticatorDoc = authenticatorSchema.meta({
  id: 'Authenticator',
  description: 'Who challenges candidates here, and the rules on chain that it measures by',
});

/** Body of `POST /v1/admission/sessions`. */
export const joinRequestDoc = signedJoinRequestSchema.meta({
  id: 'SignedJoinRequest',
  description: 'Request to be challenged, signed by the candidate: EIP-712 `JoinRequest`, see docs/protocol.md',
});

/** Body of `POST /v1/admission/sessions/{session}/answers`. */
export const packetAnswerDoc = answerSchema.meta({ id: 'PacketAnswer', description: 'All values of one packet' });

/** Answer of both. */
export const sessionAnswerDoc = sessionAnswerSchema.meta({
  id: 'SessionAnswer',
  description: 'The next packet; or, of a node that has passed, the report, and what it applies with',
});

/** See `core/admission/manifest.ts`. */
export const manifestDoc = manifestSchema.meta({
  id: 'Manifest',
  description: 'What every centre of the network must agree on; its SHA-256 is among the rules on chain',
});

/** Answer of `POST /v1/admission/manifest`. */
export const madeManifestDoc = z
  .object({ hash: hashSchema.meta({ description: 'What a vote puts on chain' }), manifest: manifestDoc })
  .meta({ id: 'MadeManifest' });

/** A candidate with a published application. */
export const applicationDoc = z
  .object({
    candidate: addressSchema,
    name: z.string(),
    endpoint: z.string(),
    encryptionKey: hashSchema,
    noteKey: hashSchema,
    status: z.string(),
    application: hexSchema(20).meta({ description: 'What a vote on it names' }),
    appliedAt: z.int().meta({ description: 'Unix seconds' }),
    expiry: z.int().meta({ description: 'The last second in which it can be admitted' }),
    score: z.int(),
    profileDigest: hashSchema,
    report: reportSchema
      .optional()
      .meta({ id: 'Report', description: 'What the authenticator found; left out while no centre gives it' }),
    proposal: z
      .object({ proposalId: hashSchema, state: z.enum(proposalStates) })
      .optional()
      .meta({ description: 'The newest proposal to admit it' }),
  })
  .meta({ id: 'Application' });

/** Answer of `GET /v1/admission/applications`. */
export const applicationsDoc = z.object({ items: z.array(applicationDoc) }).meta({ id: 'Applications' });

/** What became of a session. */
const outcomeDoc = z
  .object({
    seq: z.int(),
    candidate: addressSchema,
    network: z.string().meta({ description: 'Range of addresses that it came from, as far as attempts are counted' }),
    outcome: z.enum(['passed', 'failed']),
    purpose: z.enum(purposes),
    code: z.string().optional(),
    time: z.string(),
    documentHash: hashSchema,
    recordId: hashSchema.meta({ description: 'Of the record about it in the log' }),
    document: z.record(z.string(), z.unknown()).meta({ description: 'Report or refusal' }),
  })
  .meta({ id: 'AdmissionOutcome' });

/** Answer of `GET /v1/admission/outcomes`. */
export const outcomePageDoc = z
  .object({ items: z.array(outcomeDoc), next: z.string().optional() })
  .meta({ id: 'AdmissionOutcomePage' });

type Fits<Is extends Was, Was> = Is;
/** Holds at compile time only. @public */
export type AdmissionShapes = [
  Fits<ApplicationView, z.input<typeof applicationDoc>>,
  Fits<OutcomeView, z.input<typeof outcomeDoc>>,
];
