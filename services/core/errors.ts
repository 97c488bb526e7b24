/** What each stable code means: text, HTTP status, and whether the same request may succeed later. */
export type ErrorRow = { readonly status: number; readonly title: string; readonly retry: boolean };

const row = (status: number, title: string, retry = false): ErrorRow => ({ status, title, retry });

/**
 * Every error of Notarium by its stable code. docs/errors.md and the OpenAPI document are generated from this table;
 * a code is never renamed or reused.
 */
export const errorTable = {
  // JSON and input
  'json-malformed': row(400, 'The text is not JSON'),
  'json-duplicate-key': row(400, 'An object names the same key twice'),
  'json-lone-surrogate': row(400, 'A string holds half of a surrogate pair'),
  'json-number-not-canonical': row(400, 'A number is not written as RFC 8785 writes it, or is outside the exact range'),
  'json-too-deep': row(400, 'The JSON is nested too deep'),
  'json-too-large': row(413, 'The JSON is larger than allowed'),
  'text-not-utf8': row(400, 'The bytes are not UTF-8'),
  'request-invalid': row(400, 'The request does not have the expected form'),
  'request-too-large': row(413, 'The request body is larger than allowed'),
  'request-encoding-unsupported': row(415, 'The content encoding is not supported'),
  'request-media-type-unsupported': row(415, 'The media type is not supported'),
  'request-range-invalid': row(416, 'The file does not have the range that was asked for'),
  'request-timeout': row(408, 'The request body did not arrive in time', true),
  // Records
  'record-invalid': row(422, 'The record does not have the form of a Notarium record'),
  'record-unknown-field': row(422, 'The record has a field that Notarium does not know'),
  'record-version-unsupported': row(422, 'The record version is not supported'),
  'record-digest-invalid': row(422, 'The digest is not sha-256: and 64 lower-case hexadecimal digits'),
  'record-time-invalid': row(422, 'A time is not RFC 3339 UTC with milliseconds'),
  'record-meta-too-large': row(422, 'meta is larger than 4 KiB in canonical form'),
  'record-too-large': row(413, 'The record is larger than 16 KiB in canonical form'),
  'record-not-canonical': row(422, 'The entry bytes are not the canonical form of their record'),
  'record-network-mismatch': row(422, 'The record is bound to another network'),
  'record-expired': row(422, 'The record has expired'),
  'record-successor-taken': row(409, 'Another record already supersedes the same record'),
  'record-predecessor-unknown': row(422, 'The superseded record is not known to the network'),
  'record-holder-mismatch': row(403, 'Only the holder of a record may supersede it'),
  'record-not-found': row(404, 'No such record'),
  'record-not-anchored': row(404, 'The record is accepted but not yet anchored', true),
  'record-refused': row(410, 'The record was accepted and later refused; the signed refusal says why'),
  // Signatures
  'signature-malformed': row(422, 'The signature is not 65 bytes, or 64 bytes by EIP-2098'),
  'signature-malleable': row(422, 'The signature has s in the upper half'),
  'signature-mismatch': row(422, 'The signature was not made by the named signer over these data'),
  'signature-needs-chain': row(422, 'The signature may be that of a contract wallet, which only the chain can confirm'),
  // Log, blocks, receipts
  'proof-malformed': row(422, 'The proof does not have the form of an RFC 9162 proof'),
  'tile-not-found': row(404, 'No such tile'),
  'tile-corrupt': row(500, 'A log tile does not hash to its place in the tree'),
  'checkpoint-malformed': row(422, 'The checkpoint is not a C2SP signed note of this log'),
  'block-not-found': row(404, 'No such block'),
  'block-invalid': row(422, 'The block header does not have the expected form'),
  'block-no-equivocation': row(422, 'The two signed headers do not prove that a centre signed two blocks in one slot'),
  'receipt-malformed': row(422, 'The receipt does not have the form notarium-receipt/1'),
  'receipt-content-mismatch': row(422, 'The content is not what the record names by its digest'),
  'receipt-inner-proof-mismatch': row(422, 'The inner proof does not lead from the content to the aggregate digest'),
  'receipt-record-invalid': row(422, 'The receipt entry is not a valid record'),
  'receipt-network-mismatch': row(422, 'The receipt belongs to another network than the one expected'),
  'receipt-record-signature-invalid': row(422, 'The record signature in the receipt is not valid'),
  'receipt-inclusion-mismatch': row(422, 'The record is not in the log that the block header commits to'),
  'receipt-block-mismatch': row(422, 'The block header does not fit the proof or the signatures'),
  'receipt-committee-unknown': row(422, 'The committee of that epoch is not known to the verifier'),
  'receipt-quorum-missing': row(422, 'Fewer valid committee signatures than the quorum'),
  'receipt-publisher-not-turn': row(422, 'The publisher was not the one whose turn the slot was'),
  'receipt-chain-mismatch': row(422, 'The chain stores another block hash than the receipt'),
  'receipt-anchor-mismatch': row(422, 'The anchor transaction is not what, where or when the receipt says'),
  'receipt-not-anchored': row(422, 'The chain has no block at that height'),
  'acceptance-malformed': row(422, 'The acceptance does not have the expected form'),
  'acceptance-broken': row(
    422,
    'The record is not in the log although its promised slot has passed: provable misconduct',
  ),
  'acceptance-pending': row(425, 'The promised slot has not passed yet', true),
  'acceptance-signer-unknown': row(422, 'The acceptance is not signed by a centre of the trusted network'),
  'network-untrusted': row(422, 'No trusted network file names this network'),
  'network-changed': row(422, 'The centre describes the network otherwise than the trusted network file does'),
  // Between centres
  'message-too-large': row(413, 'The message is larger than a centre may send to another'),
  'peer-unreachable': row(503, 'The other centre cannot be reached', true),
  'peer-timeout': row(504, 'The other centre did not answer in time', true),
  'peer-busy': row(429, 'The other centre has too many requests of this one', true),
  'peer-refused': row(502, 'The other centre does not serve this request'),
  'peer-answer-invalid': row(502, 'The other centre answered what cannot be true', true),
  // Service
  unauthorized: row(401, 'An API key is needed'),
  forbidden: row(403, 'The API key has not the scope for this'),
  'not-found': row(404, 'No such resource'),
  'method-not-allowed': row(405, 'The resource does not have this method'),
  'rate-limited': row(429, 'Too many requests', true),
  'pool-full': row(503, 'The pool is full; try again later', true),
  'storage-full': row(503, 'The disk is full: nothing was accepted', true),
  'storage-failed': row(503, 'The storage failed: nothing was accepted', true),
  'shutting-down': row(503, 'The centre is shutting down', true),
  'not-ready': row(503, 'The centre is not ready', true),
  'quorum-unreachable': row(503, 'A quorum of centres did not answer in time', true),
  'wait-timeout': row(504, 'It did not happen within the asked time; the record stays accepted', true),
  internal: row(500, 'An unexpected error; the request id finds it in the log'),
  // Proposals and resource sets
  'governance-missing': row(404, 'This network has no governor: nothing can be proposed in it'),
  'proposal-invalid': row(400, 'The content of the proposal does not have the expected form'),
  'proposal-mismatch': row(422, 'The content is not what the chain says of the proposal'),
  'proposal-outdated': row(409, 'The proposal is made for another version than the one that the next must follow'),
  'proposal-exists': row(409, 'There is such a proposal already: another try needs another content'),
  'proposal-unknown': row(404, 'No such proposal'),
  'proposal-state': row(409, 'The proposal is not in the state that this needs'),
  'elector-unknown': row(403, 'The account is not in the electorate of the proposal'),
  'vote-cast': row(409, 'The account has voted on this proposal already'),
  'ballot-invalid': row(422, 'The ballot or its signature is not valid'),
  'content-unavailable': row(503, 'No centre gives the content with this hash', true),
  'patch-failed': row(422, 'The patch cannot be applied to the configuration'),
  'configuration-invalid': row(422, 'A configuration is a JSON object'),
  'resource-unknown': row(404, 'No such resource set or version'),
  'resource-failed': row(502, 'The resource did not take the configuration, or cannot be read', true),
  'resource-drifted': row(500, 'The actual configuration is not the passed one'),
  'notices-delayed': row(503, 'What the chain says of proposals and resource sets cannot be read or kept now', true),
  'webhook-failed': row(502, 'The webhook did not take the event', true),
  // Admission of new centres
  'authenticator-missing': row(404, 'This centre does not challenge candidates'),
  'manifest-invalid': row(400, 'The protocol manifest does not have the expected form'),
  'join-invalid': row(400, 'The request to join does not have the expected form, or is not signed by the candidate'),
  'session-unknown': row(404, 'No such session: it has ended, or the authenticator was started anew'),
  'manifest-unproven': row(422, 'The answer does not prove that the candidate holds the protocol manifest'),
  'answer-late': row(422, 'The answer to a packet came after its window'),
  'answer-incomplete': row(422, 'The answer to a packet has not all values'),
  'answer-wrong': row(422, 'The answer is not that of this packet, candidate and manifest'),
  'candidate-too-slow': row(422, 'A measured figure is below the minimum of the network'),
  'profile-contradicts': row(422, 'What the candidate says of its machine contradicts what was measured'),
  'admission-throttled': row(429, 'This authenticator takes no more attempts of this candidate for now', true),
  'centre-below-minimum': row(500, 'This centre has not shown that it meets the minimum of the network', true),
  'admission-rules-unusable': row(503, 'The rules on chain ask for work that no candidate would do'),
  'admission-closed': row(409, 'The rules ask for no attestation: nobody can apply'),
  'attestation-invalid': row(
    422,
    'The registry does not take these attestations: signature, order, authenticator, number, manifest, score or nonce',
  ),
  'attestation-expired': row(422, 'The attestation has expired'),
  'application-early': row(425, 'The last application was a short time ago', true),
  'application-refused': row(409, 'An account with this status cannot apply, or has no application to publish'),
  // Private activities
  'activities-missing': row(404, 'This centre takes part in no private activities'),
  'activity-unknown': row(404, 'No such activity here'),
  'activity-message-invalid': row(422, 'The message is not one of this activity, or not signed by its sender'),
  'activity-message-unreadable': row(422, 'The message is not sealed to a key of this node'),
  'activity-message-known': row(409, 'The message was taken before'),
  'activity-message-early': row(409, 'The message builds on others that have not come yet', true),
  'activity-not-member': row(403, 'The sender is no member of the group'),
  'activity-role': row(403, 'The role of the member does not allow this'),
  'activity-epoch-stale': row(409, 'The members have changed since'),
  'activity-version-stale': row(409, 'There is a newer version than the one that this builds on'),
  'activity-body-invalid': row(
    422,
    'The body is not what the schema of the activity asks for, has too many values, or cannot be notarised in fields',
  ),
  'activity-field-unknown': row(422, 'The body has no such field'),
  'activity-fields-invalid': row(422, 'The fields of the body are not those that its author has signed'),
  'activity-schema-invalid': row(422, 'The schema is no JSON Schema (2020-12), or one that a node cannot check safely'),
  'activity-changed': row(409, 'Others have said something in the activity at the same time: nothing was sent', true),
  'activity-forked': row(409, 'A member has told other members of the activity something else'),
  'activity-excluded': row(409, 'Members of an activity say that this centre was removed'),
  'activity-incomplete': row(
    503,
    'The members of an activity do not have the same messages, and what is missing does not come',
    true,
  ),
  'activity-sender-full': row(
    429,
    'The member has as much at this centre as it may that nobody here has looked at yet',
    true,
  ),
  'activity-undelivered': row(503, 'A member has not taken a message for a long time', true),
  'activity-unrecorded': row(503, 'The log has no record of a message that a member sent a long time ago', true),
  'activity-trust-unasked': row(409, 'Nobody is asked to countersign this'),
  'trust-certificate-invalid': row(422, 'The certificate is not signed by each of the members'),
  'trust-certificate-malformed': row(422, 'The file does not have the form notarium-trust-certificate/1'),
  'attachment-corrupt': row(422, 'The attachment is not what its message says of it'),
  'device-credential-invalid': row(403, 'The credential of the device does not hold'),
  'activity-store-corrupt': row(
    500,
    'What this node keeps of its private activities is damaged: only a backup, or the members, can give it back',
  ),
  'channel-store-corrupt': row(
    500,
    'What this side keeps of its evidence channels is damaged: only a backup, or the other side, can give it back',
  ),
  'activity-store-key-wrong': row(500, 'What this node keeps of its private activities is encrypted under another key'),
  'attachment-quota': row(
    429,
    'The key has put as many files that no message names yet as it may: send the message, or wait until they go',
    true,
  ),
  'attachment-unknown': row(404, 'No such attachment here'),
  'attachment-mismatch': row(422, 'The attachment is not what its digest says'),
  'party-unknown': row(422, 'No node of the registry has this name, address or endpoint'),
  'party-ambiguous': row(422, 'Several nodes of the registry have this name or endpoint'),
  'party-unfit': row(422, 'The node cannot be a member: it is not active, or has no encryption key'),
  // Disclosures of private activities: one code a step of verification
  'disclosure-malformed': row(422, 'The file does not have the form notarium-disclosure/1'),
  'disclosure-body-mismatch': row(422, 'The body is not the one that the message was made of'),
  'disclosure-head-mismatch': row(422, 'The head is not the one that the message was made of'),
  'disclosure-author-invalid': row(422, 'The message is not signed by the sender that it names'),
  'disclosure-attachment-mismatch': row(422, 'The attachment is not one that the message was made of'),
  'disclosure-message-mismatch': row(422, 'The seal is that of another message'),
  'disclosure-seal-mismatch': row(422, 'The record in the receipt was not made for this seal'),
  // Evidence channels
  'verifier-missing': row(404, 'This server verifies no evidence'),
  'channel-invalid': row(422, 'The terms of the channel are not what the verifier takes, or not what the chain says'),
  'channel-unknown': row(404, 'No such channel'),
  'channel-not-opened': row(409, 'The opening of the channel was interrupted: its deposit is not on chain'),
  'channel-state': row(409, 'The channel is not in the state that this needs'),
  'channel-access-invalid': row(401, 'The request is not signed by the requester of the channel, or no longer valid'),
  'channel-base-stale': row(409, 'The update is not based on the newest state that both have signed'),
  'channel-update-invalid': row(422, 'The update cannot follow from the state that it is based on'),
  'channel-locks-full': row(409, 'The channel has as many open locks as it may have', true),
  'channel-balance-short': row(409, 'What is left in the channel does not pay for this'),
  'channel-countersignature-invalid': row(502, 'The other side has not signed the state that was proposed to it'),
  'channel-stale': row(409, 'The other side has a newer state than this one, which comes from a backup'),
  'channel-evidence-mismatch': row(
    502,
    'The verifier does not give the paid bills that make up the total digest which both have signed',
  ),
  'watchtower-full': row(503, 'The watchtower keeps as many channels as it may', true),
  'bill-unknown': row(404, 'No such bill'),
  'bill-expired': row(409, 'The bill has expired, or would before it could be claimed'),
  'bill-mismatch': row(422, 'The bill is not for what was asked, or not signed by the verifier'),
  'bill-key-mismatch': row(422, 'The key is not the one whose hash the bill names'),
  'statement-invalid': row(422, 'The evidence statement is not about this bill, or not signed by the right side'),
  'evidence-refused': row(422, 'The policy of the verifier does not take this evidence'),
  'evidence-mismatch': row(422, 'The content does not have the digest that was declared'),
  'evidence-not-found': row(404, 'No such evidence'),
  'evidence-corrupt': row(500, 'The stored evidence is not what its digest says'),
  'evidence-key-missing': row(422, 'The content is stored encrypted: its key is needed, and is not this one'),
  'evidence-hook-failed': row(503, 'The service that judges evidence does not answer', true),
  'upload-unknown': row(404, 'No such upload'),
  'upload-invalid': row(422, 'The upload is not complete, or not of the declared form'),
  'upload-version-unsupported': row(412, 'Uploads are taken by tus 1.0.0 only'),
  'upload-conflict': row(409, 'The upload is at another offset', true),
  'uploads-full': row(429, 'There are as many unpaid uploads as there may be, of the channel or of all together', true),
  // Receipts of evidence channels: one code a step of verification
  'channel-receipt-malformed': row(422, 'The receipt does not have the form notarium-channel-receipt/1'),
  'channel-receipt-content-mismatch': row(422, 'The content does not have the digest that the receipt is about'),
  'channel-receipt-inner-proof-mismatch': row(422, 'The inner proof does not lead from the content to the bill'),
  'channel-receipt-bill-invalid': row(422, 'The bill in the receipt is not signed by the verifier of the channel'),
  'channel-receipt-key-mismatch': row(422, 'The key in the receipt is not the one whose hash the bill names'),
  'channel-receipt-statement-invalid': row(422, 'A statement in the receipt is not that of its side about this bill'),
  'channel-receipt-inclusion-mismatch': row(422, 'The evidence is not under the total digest'),
  'channel-receipt-state-invalid': row(
    422,
    'The state in the receipt is not signed by both sides, or has another root',
  ),
  'channel-receipt-chain-mismatch': row(422, 'The chain does not have that total digest of the channel'),
  'channel-receipt-unsettled': row(425, 'The evidence is not under a total digest on chain yet', true),
  // Store, chain, operation
  'vote-refused': row(409, 'The block that a vote was asked for breaks a rule'),
  'vote-behind': row(409, 'This centre has not committed the parent of the block yet', true),
  'log-forked': row(
    500,
    'The chain has anchored another continuation than this log, which goes back to what both have: a reorganisation deeper than the confirmations',
  ),
  'block-unavailable': row(503, 'No centre gives the records of an anchored block', true),
  'vote-conflict': row(409, 'This centre has already signed another block in that slot'),
  'blocks-void': row(503, 'Several blocks in a row were not anchored in time', true),
  'promise-broken': row(503, 'Records were not sealed by the slot that this centre has promised', true),
  'store-corrupt': row(500, 'The database is damaged: run notarium rebuild'),
  'store-locked': row(500, 'Another process holds the data folder'),
  'store-network-mismatch': row(500, 'The data folder belongs to another network instance'),
  'store-version-unsupported': row(500, 'The data folder was written by a newer version'),
  'chain-unreachable': row(503, 'The chain RPC does not answer', true),
  'chain-mismatch': row(500, 'The chain is not the configured one'),
  'chain-contract-missing': row(500, 'There is no Notarium contract at that address'),
  'chain-forgot-anchors': row(500, 'The chain does not know anchors that this data folder holds'),
  'chain-answer-invalid': row(502, 'The chain RPC answered with an error, or with what cannot be true', true),
  'chain-fees-too-high': row(503, 'Gas costs more than the configured limit', true),
  'store-behind-chain': row(500, 'The chain has blocks whose records this data folder does not hold'),
  'chain-anchor-rejected': row(500, 'The contract refused the anchor'),
  'chain-report-rejected': row(500, 'The registry refused the report of equivocation'),
  'chain-call-rejected': row(409, 'The contract refused the call'),
  'chain-funds-missing': row(500, 'The account cannot pay for gas', true),
  'clock-skewed': row(503, 'The clock differs from the chain by more than a slot', true),
  'not-in-committee': row(500, 'This centre is not in the committee'),
  'config-invalid': row(500, 'The configuration is not valid'),
  'key-missing': row(500, 'The key file is missing or cannot be opened'),
  'key-exists': row(500, 'There is a keystore at that place already; it is never overwritten'),
  'port-taken': row(500, 'The port is in use by another process'),
  'file-unreadable': row(500, 'A file cannot be read'),
  'file-unwritable': row(500, 'A file cannot be written'),
  'file-changed': row(500, 'The file changed while it was hashed'),
  'file-exists': row(500, 'There is a file at that place already'),
  'items-failed': row(422, 'Some items failed; the others were taken'),
  'check-failed': row(500, 'A check of the machine failed'),
  'backup-invalid': row(500, 'The file is not a complete Notarium backup'),
  'usage-invalid': row(400, 'The command line is not valid'),
  'server-unreachable': row(503, 'The server does not answer', true),
  'server-answer-invalid': row(502, 'The centre answered something that this client does not understand'),
} as const satisfies Record<string, ErrorRow>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorTable;

/** Data that an error carries: plain JSON, shown to the caller; never secrets. */
export type ErrorData = Readonly<Record<string, unknown>>;

/** The one error class of Notarium: a stable code from {@link errorTable}, a sentence, and data. */
export class NotariumError extends Error {
  readonly code: ErrorCode;
  /** What is particular to this case; empty where the title says all. */
  readonly detail: string;
  readonly data: ErrorData;

  constructor(code: ErrorCode, detail?: string, options?: { data?: ErrorData; cause?: unknown }) {
    super(
      detail === undefined ? errorTable[code].title : `${errorTable[code].title}: ${detail}`,
      options?.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'NotariumError';
    this.code = code;
    this.detail = detail ?? '';
    this.data = options?.data ?? {};
  }
}

/** Whether the value is a {@link NotariumError}, of the given code if one is given. */
export function isNotariumError(value: unknown, code?: ErrorCode): value is NotariumError {
  return value instanceof NotariumError && (code === undefined || value.code === code);
}

/** RFC 9457 problem document of an error, as HTTP answers carry it. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail?: string;
  retry: boolean;
  data?: ErrorData;
  requestId?: string;
};

/** The problem document for an error code. `type` is an anchor in docs/errors.md. */
export function toProblem(error: NotariumError): Problem {
  const { status, title, retry } = errorTable[error.code];
  return {
    type: `https://notarium.invalid/errors#${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    retry,
    ...(Object.keys(error.data).length > 0 ? { data: error.data } : {}),
  };
}
