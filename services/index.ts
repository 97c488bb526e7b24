export type {
  ChannelEnd,
  EvidenceChannel,
  EvidenceChannelStatus,
  SendOptions,
} from './app/channels/EvidenceChannel.ts';
export type { Evidence, Sendable, Sendables } from './app/channels/send/evidence.ts';
export type { SentOutcome } from './app/channels/send/sendFiles.ts';
export type { Acceptance, Refusal } from './core/acceptance.ts';
export type { TrustCertificate } from './core/activities/certificate.ts';
export type { Attachment } from './core/activities/contents.ts';
export type { DeviceStatement } from './core/activities/deviceStatement.ts';
export {
  type Disclosure,
  type DisclosureWish,
  disclosureText,
  makeDisclosure,
  parseDisclosure,
} from './core/activities/disclosure.ts';
export { wholeBody } from './core/activities/fields.ts';
export { type CertificateVerifyResult, missingIn, parseCertificate } from './core/activities/verifyCertificate.ts';
export type { DisclosureVerifyResult, Shown } from './core/activities/verifyDisclosure.ts';
export { type Aggregate, aggregateRoot, buildAggregate, type InnerProof, verifyInnerProof } from './core/aggregate.ts';
export type { Anchor, BlockHeader, BlockSignature } from './core/block.ts';
export type { Address, Hash, Hex, RecordId } from './core/bytes.ts';
export {
  type ChannelReceipt,
  channelReceiptText,
  parseChannelReceipt,
} from './core/channels/channelReceipt.ts';
export {
  type ChannelVerifyOptions,
  type ChannelVerifyResult,
  verifyChannelReceipt,
} from './core/channels/verifyChannelReceipt.ts';
export type { Committee } from './core/committee.ts';
export { type Network, networkName, parseNetworkName } from './core/eip712.ts';
export { type ErrorCode, isNotariumError, NotariumError } from './core/errors.ts';
export { type DraftedProposal, readProposalDraft } from './core/governance/proposalDraft.ts';
export {
  type ProposalResult,
  type ResultBasis,
  type VerifiedResult,
  verifyProposalResult,
  verifyProposalResultByChain,
} from './core/governance/proposalResult.ts';
export { asReceipt, parseReceipt, type Receipt } from './core/receipt.ts';
export { type CheckedRecord, digestText, parseEntry, signRecord } from './core/record.ts';
export type { NotariumRecord } from './core/recordSchema.ts';
export type { StepResult } from './core/StepRun.ts';
export type { Signer } from './core/signature.ts';
export {
  assertReceipt,
  type VerifyOptions,
  type VerifyResult,
  verifyReceipt,
  verifyReceiptOffline,
} from './core/verifyReceipt.ts';
export { type ChainElectorate, chainElectorate } from './lib/chainElectorate.ts';
export { channelEvidence } from './lib/channelEvidence.ts';
export type { Activities } from './lib/client/Activities.ts';
export type { Admissions } from './lib/client/Admissions.ts';
export type {
  ActivityAnswer,
  ActivitySummaryAnswer,
  CredentialAnswer,
  DeliveryAnswer,
  MessageAnswer,
  MessageLineAnswer,
  SentMessageAnswer,
} from './lib/client/activityAnswers.ts';
export type {
  ActivityContents,
  MemberRequest,
  NewDevice,
  StartActivity,
  UpdateActivity,
} from './lib/client/activityRequests.ts';
export type {
  ApplicationAnswer,
  AuthenticatorAnswer,
  MadeManifest,
  OutcomeAnswer,
} from './lib/client/admissionAnswers.ts';
export type { CallOptions, NotariumOptions } from './lib/client/Connection.ts';
export { HttpVerifier, type HttpVerifierOptions, verifierTerms } from './lib/client/channels/HttpVerifier.ts';
export { type SendUploadOptions, sendUpload } from './lib/client/channels/sendUpload.ts';
export { fileSource, memorySource, packSource, type UploadSource } from './lib/client/channels/uploadSource.ts';
export { type Content, hashContent } from './lib/client/content.ts';
export { signDeviceStatement } from './lib/client/deviceStatement.ts';
export type { Draft } from './lib/client/draft.ts';
export type { FollowOptions } from './lib/client/followEvents.ts';
export type {
  EventAnswer,
  ProposalAnswer,
  ProposalDetail,
  ResourceSetAnswer,
  ResourceVersionAnswer,
} from './lib/client/governanceAnswers.ts';
export { aggregateMembers, type Member, type MemberSet } from './lib/client/memberReceipts.ts';
export { readNetworkFile } from './lib/client/NetworkFolder.ts';
export { Notarium } from './lib/client/Notarium.ts';
export type { Proposals, SignedProposal, VoteOptions } from './lib/client/Proposals.ts';
export type { Resources } from './lib/client/Resources.ts';
export type { SubmitManyOptions, Submittable, Submitted } from './lib/client/submit.ts';
export type { SubmitResult } from './lib/client/submitBatch.ts';
export type { TrustOutcome } from './lib/client/Trust.ts';
export type { TrustedNetwork } from './lib/client/TrustedNetwork.ts';
export { type AcceptanceVerdict, asAcceptance, verifyAcceptance } from './lib/client/verifyAcceptance.ts';
export { type VerifyBasis, verifyDigest } from './lib/client/verifyContent.ts';
export { verifyActivityDisclosure, verifyTrustCertificate } from './lib/client/verifyShown.ts';
export { chainBlockHash } from './lib/ethCall.ts';
export { createKeystore, openKeystore } from './lib/keystore.ts';
export { localSigner } from './lib/localSigner.ts';
export { loadCrypto } from './lib/nativeCrypto.ts';
export { evidenceChannelsIn, type KnownChannel } from './main/requester/agreed.ts';
export {
  type OpenEvidenceChannelOptions,
  openEvidenceChannel,
  useEvidenceChannel,
} from './main/requester/library.ts';
export type { UseEvidenceChannelOptions } from './main/requester/runEvidenceChannel.ts';
