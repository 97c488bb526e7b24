import type { ErrorCode } from '../core/errors.ts';

type ExitRow = {
  readonly exit: number;
  readonly meaning: string;
  readonly codes: readonly (ErrorCode | `${string}-*`)[];
};

/**
 * Exit code of every cause. A number is never given another meaning. A pattern `x-*` takes the codes of that family that no
 * row names.
 */
export const exitTable: readonly ExitRow[] = [
  { exit: 0, meaning: 'all is well', codes: [] },
  { exit: 1, meaning: 'an unexpected error: a fault of Notarium', codes: ['internal'] },
  { exit: 2, meaning: 'wrong command line or configuration', codes: ['usage-invalid', 'config-invalid'] },
  {
    exit: 3,
    meaning: 'some items failed, each named with its own code; the others were taken',
    codes: ['items-failed'],
  },
  { exit: 4, meaning: 'a check of `notarium doctor` failed', codes: ['check-failed'] },
  // A receipt is not what it should be: one code a step of verification
  { exit: 10, meaning: 'the receipt has not the form notarium-receipt/1', codes: ['receipt-malformed'] },
  { exit: 11, meaning: 'the content is not what the record names', codes: ['receipt-content-mismatch'] },
  { exit: 12, meaning: 'the content is not in the aggregate', codes: ['receipt-inner-proof-mismatch'] },
  { exit: 13, meaning: 'the entry is not a valid record', codes: ['receipt-record-invalid'] },
  { exit: 14, meaning: "the record's signature is not valid", codes: ['receipt-record-signature-invalid'] },
  { exit: 15, meaning: 'the receipt belongs to another network', codes: ['receipt-network-mismatch'] },
  { exit: 16, meaning: 'the record is not in the log of that block', codes: ['receipt-inclusion-mismatch'] },
  { exit: 17, meaning: 'the block header does not fit', codes: ['receipt-block-mismatch'] },
  { exit: 18, meaning: 'the publisher was not the one whose turn it was', codes: ['receipt-publisher-not-turn'] },
  { exit: 19, meaning: 'fewer valid signatures than the quorum', codes: ['receipt-quorum-missing'] },
  { exit: 20, meaning: 'the committee of that epoch is not known', codes: ['receipt-committee-unknown'] },
  { exit: 21, meaning: 'the chain stores another block hash', codes: ['receipt-chain-mismatch'] },
  { exit: 22, meaning: 'the chain has no block at that height', codes: ['receipt-not-anchored'] },
  { exit: 23, meaning: 'no trusted network file names this network', codes: ['network-untrusted'] },
  { exit: 24, meaning: 'the centre contradicts the trusted network file', codes: ['network-changed'] },
  // Acceptances
  { exit: 25, meaning: 'acceptance broken: PROVABLE MISCONDUCT of the centre', codes: ['acceptance-broken'] },
  { exit: 26, meaning: 'the promised slot of the acceptance has not passed yet', codes: ['acceptance-pending'] },
  {
    exit: 27,
    meaning: 'the acceptance is malformed, or by no centre of the network',
    codes: ['acceptance-malformed', 'acceptance-signer-unknown'],
  },
  {
    exit: 28,
    meaning: 'the anchor names another transaction, block or time than the chain',
    codes: ['receipt-anchor-mismatch'],
  },
  // Input and output
  {
    exit: 29,
    meaning: 'a file cannot be written; what the centre has taken is named by its record id',
    codes: ['file-unwritable'],
  },
  { exit: 30, meaning: 'a file cannot be read', codes: ['file-unreadable', 'file-*'] },
  { exit: 31, meaning: 'a file changed while it was hashed', codes: ['file-changed'] },
  {
    exit: 32,
    meaning: 'a record or request is not valid',
    codes: ['record-*', 'json-*', 'text-*', 'request-*', 'method-not-allowed'],
  },
  { exit: 33, meaning: 'a signature is not valid', codes: ['signature-*'] },
  {
    exit: 34,
    meaning: 'another record already supersedes that one, or only its holder may',
    codes: ['record-successor-taken', 'record-predecessor-unknown', 'record-holder-mismatch'],
  },
  { exit: 35, meaning: 'not found', codes: ['record-not-found', 'block-not-found', 'tile-not-found', 'not-found'] },
  { exit: 36, meaning: 'the record has expired or was refused', codes: ['record-expired', 'record-refused'] },
  {
    exit: 37,
    meaning: 'accepted, but not anchored within the time waited',
    codes: ['record-not-anchored', 'wait-timeout'],
  },
  {
    exit: 38,
    meaning: 'a proof, block, tile or checkpoint is not valid',
    codes: ['proof-*', 'block-*', 'tile-*', 'checkpoint-*', 'receipt-*', 'acceptance-*', 'network-*'],
  },
  { exit: 39, meaning: 'the key file is missing, cannot be opened, or exists already', codes: ['key-*'] },
  // Centre
  { exit: 40, meaning: 'the centre or verifier does not answer', codes: ['server-unreachable'] },
  {
    exit: 41,
    meaning: 'the centre answered something that this client does not understand',
    codes: ['server-answer-invalid', 'server-*'],
  },
  { exit: 42, meaning: 'an API key is needed', codes: ['unauthorized'] },
  { exit: 43, meaning: 'the API key has not the scope for this', codes: ['forbidden'] },
  {
    exit: 44,
    meaning: 'too many requests, or too many files without a message',
    codes: ['rate-limited', 'attachment-quota'],
  },
  {
    exit: 45,
    meaning: 'the centre or watchtower cannot take more now; try again later',
    codes: ['pool-full', 'watchtower-full', 'not-ready', 'shutting-down', 'quorum-unreachable', 'pool-*'],
  },
  {
    exit: 46,
    meaning: 'the disk is full or failed: nothing was accepted',
    codes: ['storage-full', 'storage-failed', 'storage-*'],
  },
  {
    exit: 47,
    meaning: 'another centre does not answer, refuses, or answers what cannot be true',
    codes: ['peer-*', 'message-too-large'],
  },
  // Running a centre
  { exit: 50, meaning: 'the database is damaged: run `notarium rebuild`', codes: ['store-corrupt', 'store-*'] },
  { exit: 51, meaning: 'another process holds the data folder', codes: ['store-locked'] },
  { exit: 52, meaning: 'the data folder belongs to another network instance', codes: ['store-network-mismatch'] },
  { exit: 53, meaning: 'the data folder was written by a newer version', codes: ['store-version-unsupported'] },
  { exit: 54, meaning: 'the port is in use', codes: ['port-taken'] },
  { exit: 55, meaning: 'the backup is not valid', codes: ['backup-invalid', 'backup-*'] },
  { exit: 56, meaning: 'the chain has blocks whose records the data folder lacks', codes: ['store-behind-chain'] },
  {
    exit: 60,
    meaning: 'the chain RPC does not answer, or answers with an error',
    codes: ['chain-unreachable', 'chain-answer-invalid', 'notices-delayed'],
  },
  {
    exit: 61,
    meaning: 'the chain is another one, or has no Notarium contract there',
    codes: ['chain-mismatch', 'chain-contract-missing', 'chain-*'],
  },
  {
    exit: 62,
    meaning: 'the chain forgot anchors of this data folder, or goes on otherwise',
    codes: ['chain-forgot-anchors', 'log-forked'],
  },
  {
    exit: 63,
    meaning: 'the contract refused the anchor or a report, or gas cannot be paid',
    codes: ['chain-anchor-rejected', 'chain-report-rejected', 'chain-funds-missing'],
  },
  { exit: 64, meaning: 'the clock differs from the chain', codes: ['clock-skewed', 'clock-*'] },
  { exit: 65, meaning: 'this centre is not in the committee', codes: ['not-in-committee'] },
  {
    exit: 66,
    meaning: 'this centre has already signed another block in that slot',
    codes: ['vote-conflict', 'vote-*'],
  },
  {
    exit: 67,
    meaning: 'blocks are not anchored in time, or records not sealed by the promised slot',
    codes: ['blocks-void', 'promise-broken'],
  },
  // Proposals and resource sets
  {
    exit: 70,
    meaning: 'a proposal, ballot, patch or configuration is not valid, or not what the chain says',
    codes: ['proposal-invalid', 'proposal-mismatch', 'ballot-invalid', 'patch-failed', 'configuration-invalid'],
  },
  {
    exit: 71,
    meaning: 'the proposal is made for another version than the newest one',
    codes: ['proposal-outdated'],
  },
  {
    exit: 72,
    meaning: 'the proposal exists already, is not in the state that this needs, or the vote was cast before',
    codes: ['proposal-exists', 'proposal-state', 'vote-cast'],
  },
  {
    exit: 73,
    meaning: 'no such proposal, resource set or version, or the network has no governor',
    codes: ['proposal-unknown', 'resource-unknown', 'governance-missing'],
  },
  { exit: 74, meaning: 'the account is not in the electorate of the proposal', codes: ['elector-unknown'] },
  { exit: 75, meaning: 'the contract refused the call', codes: ['chain-call-rejected'] },
  { exit: 76, meaning: 'no centre gives the content with this hash', codes: ['content-unavailable'] },
  { exit: 77, meaning: 'the resource did not take the configuration, or cannot be read', codes: ['resource-failed'] },
  { exit: 78, meaning: 'the actual configuration is not the passed one', codes: ['resource-drifted'] },
  { exit: 79, meaning: 'the webhook did not take an event', codes: ['webhook-failed'] },
  // Admission of new centres
  { exit: 80, meaning: 'the manifest, or the request to join, is not valid', codes: ['manifest-*', 'join-*'] },
  {
    exit: 81,
    meaning: 'a measured figure is below the minimum of the network',
    codes: ['candidate-too-slow', 'centre-below-minimum'],
  },
  {
    exit: 82,
    meaning: 'an answer to the challenge is late, incomplete or wrong, or the profile contradicts the measurements',
    codes: ['answer-*', 'profile-contradicts', 'manifest-unproven', 'session-unknown'],
  },
  {
    exit: 83,
    meaning: 'the centre does not challenge candidates, or takes no more attempts for now',
    codes: ['authenticator-missing', 'admission-*'],
  },
  { exit: 84, meaning: 'nobody can apply: the rules ask for no attestation', codes: ['admission-closed'] },
  { exit: 85, meaning: 'the attestations are not valid, or have expired', codes: ['attestation-*'] },
  { exit: 86, meaning: 'the last application was a short time ago', codes: ['application-early'] },
  {
    exit: 87,
    meaning: 'an account with this status cannot apply, or has no application to publish',
    codes: ['application-refused'],
  },
  // Evidence channels
  {
    exit: 88,
    meaning: 'the channel is unknown, not in the state that this needs, or of other terms',
    codes: [
      'channel-*',
      'upload-unknown',
      'upload-version-unsupported',
      'verifier-missing',
      'upload-conflict',
      'uploads-full',
    ],
  },
  {
    exit: 89,
    meaning: 'what is left in the channel does not pay for this, or no more locks can be opened now',
    codes: ['channel-balance-short', 'channel-locks-full'],
  },
  {
    exit: 90,
    meaning: 'a bill, key, statement, update or signature of the other side is not right: nothing was paid for it',
    codes: [
      'bill-*',
      'statement-invalid',
      'channel-countersignature-invalid',
      'channel-update-invalid',
      'channel-evidence-mismatch',
    ],
  },
  { exit: 91, meaning: 'the verifier does not take the evidence', codes: ['evidence-refused', 'evidence-hook-failed'] },
  {
    exit: 92,
    meaning: 'the evidence is missing, or not what its digest says',
    codes: ['evidence-not-found', 'evidence-mismatch', 'evidence-corrupt', 'upload-invalid'],
  },
  { exit: 93, meaning: 'the content is encrypted and the key is missing or wrong', codes: ['evidence-key-missing'] },
  {
    exit: 94,
    meaning: 'a state of the channel comes from a backup: the other side has a newer one',
    codes: ['channel-stale', 'channel-base-stale'],
  },
  {
    exit: 95,
    meaning: 'the channel receipt has not the form notarium-channel-receipt/1',
    codes: ['channel-receipt-malformed'],
  },
  {
    exit: 96,
    meaning: 'the content is not what the channel receipt is about',
    codes: ['channel-receipt-content-mismatch', 'channel-receipt-inner-proof-mismatch'],
  },
  {
    exit: 97,
    meaning: 'bill, key or a statement of the channel receipt is not valid',
    codes: ['channel-receipt-bill-invalid', 'channel-receipt-key-mismatch', 'channel-receipt-statement-invalid'],
  },
  {
    exit: 98,
    meaning: 'the evidence is not under the total digest of the channel receipt, or both sides have not signed it',
    codes: ['channel-receipt-inclusion-mismatch', 'channel-receipt-state-invalid'],
  },
  { exit: 99, meaning: 'the chain does not have that total digest', codes: ['channel-receipt-chain-mismatch'] },
  { exit: 100, meaning: 'the total digest is not on chain yet', codes: ['channel-receipt-unsettled'] },
  // Private activities
  {
    exit: 101,
    meaning: 'no such activity or uploaded file here, or this centre takes part in none',
    codes: ['activities-missing', 'activity-unknown', 'attachment-unknown'],
  },
  {
    exit: 102,
    meaning: 'another version, message or change of the members came first, or one is missing yet',
    codes: [
      ...(['activity-version-stale', 'activity-epoch-stale', 'activity-message-early'] as const),
      ...(['activity-message-known', 'activity-changed'] as const),
    ],
  },
  {
    exit: 103,
    meaning: 'the node is no member of the activity, its role does not allow this, or nobody asks for it',
    codes: ['activity-not-member', 'activity-role', 'activity-trust-unasked'],
  },
  {
    exit: 104,
    meaning: 'the body of the message, or its schema, is not right',
    codes: ['activity-body-invalid', 'activity-schema-invalid', 'activity-field-unknown'],
  },
  { exit: 105, meaning: 'a party is no node of the registry, or cannot be a member', codes: ['party-*'] },
  { exit: 106, meaning: 'the credential of a device does not hold', codes: ['device-*'] },
  {
    exit: 107,
    meaning: 'a message, certificate or attachment is not what it should be',
    codes: ['activity-*', 'trust-*', 'attachment-*'],
  },
  {
    exit: 108,
    meaning:
      'a member has not taken a message for a long time, the members do not have the same, or the log lacks a record',
    codes: [
      ...(['activity-undelivered', 'activity-unrecorded', 'activity-incomplete'] as const),
      ...(['activity-forked', 'activity-excluded'] as const),
    ],
  },
  {
    exit: 109,
    meaning:
      'what is kept of private activities or evidence channels is damaged, or encrypted under another key: restore a backup',
    codes: ['activity-store-corrupt', 'activity-store-key-wrong', 'channel-store-corrupt'],
  },
  {
    exit: 110,
    meaning: 'the file has not the form of a disclosure or a trust certificate',
    codes: ['disclosure-malformed', 'trust-certificate-malformed'],
  },
  {
    exit: 111,
    meaning: 'the disclosed body or fields are not what was notarised',
    codes: ['disclosure-body-mismatch', 'activity-fields-invalid'],
  },
  {
    exit: 112,
    meaning: 'the disclosed sender is not who has signed what was notarised',
    codes: ['disclosure-head-mismatch', 'disclosure-author-invalid'],
  },
  {
    exit: 113,
    meaning: 'a disclosed attachment is not one of those that were notarised',
    codes: ['disclosure-attachment-mismatch'],
  },
  {
    exit: 114,
    meaning: 'the record in the receipt was not made for what is disclosed',
    codes: ['disclosure-message-mismatch', 'disclosure-seal-mismatch'],
  },
  { exit: 115, meaning: 'a trust certificate is not signed by whom it names', codes: ['trust-certificate-invalid'] },
  { exit: 130, meaning: 'interrupted', codes: [] },
];

/** Exit code after Ctrl-C, as shells have it. */
export const exitInterrupted = 130;

const exact = new Map<string, number>();
const families: { prefix: string; exit: number }[] = [];
for (const { exit, codes } of exitTable) {
  for (const code of codes) {
    if (code.endsWith('-*')) families.push({ prefix: code.slice(0, -1), exit });
    else exact.set(code, exit);
  }
}

/** Exit code of an error code; 1 for one that no row of the table covers. */
export function exitCodeOf(code: ErrorCode): number {
  return exact.get(code) ?? families.find(({ prefix }) => code.startsWith(prefix))?.exit ?? 1;
}

/** The table as text, for `--help`. */
export function exitHelp(): string {
  return exitTable.map(({ exit, meaning }) => `  ${String(exit).padStart(3)}  ${meaning}`).join('\n');
}
