import type { ErrorCode } from '../core/errors.ts';

/** What to do next about an error, one sentence; for codes where the title alone does not say it. */
const steps: Partial<Record<ErrorCode, string>> = {
  'usage-invalid': 'Run `notarium --help`, or the command with --help.',
  'config-invalid': 'Mend the named setting; flags go before environment, and environment before the config file.',
  'json-number-not-canonical':
    'Write 12.5 for 12.50 and 1 for 1.0; what has more digits than a number can hold exactly, as a text ("12.50").',
  'server-unreachable':
    'Check --url (of `notarium join`: --authenticator), or start a centre with `npm start`, a verifier with `notarium verifier`; `notarium doctor` shows what is missing.',
  'server-answer-invalid':
    'Check that --url (of `notarium join`: --authenticator) is a Notarium centre and not another server or a proxy.',
  'key-missing':
    'Give --keystore DIR with --password-file FILE, --key FILE, or --api-key; `notarium init` makes a keystore.',
  unauthorized:
    'Give an API key (--api-key; the operator makes them: `notarium keys create`), or as the operator the --data folder of the centre; where the command has --keystore, sign with a key of your own.',
  forbidden: 'Ask the operator for a key with the scope.',
  'rate-limited': 'Wait a little, or post many records as one batch.',
  'network-untrusted': 'Give --network FILE, or --rpc URL and --contract ADDRESS, from a source that you trust.',
  'network-changed':
    'Do not go on before the operators explain it. A new development chain? Then delete the named network file.',
  'receipt-malformed': 'Check that this is the receipt file, whole and unchanged.',
  'receipt-content-mismatch': 'This is another file, or another version of it, than the one that was notarised.',
  'receipt-committee-unknown': 'Get a newer network file, or verify online with --rpc URL.',
  'receipt-quorum-missing': 'Do not rely on this receipt.',
  'receipt-chain-mismatch': 'Do not rely on this receipt; check that --rpc is the right chain.',
  'receipt-not-anchored': 'Check that --rpc is the right chain and in sync; a development chain forgets when it stops.',
  'receipt-network-mismatch':
    'Check which network the receipt names, and verify it with the network file of that network.',
  'channel-receipt-malformed': 'Check that this is the receipt file, whole and unchanged.',
  'channel-receipt-content-mismatch':
    'This is another file, or another version of it, than the one that was preserved.',
  'channel-receipt-unsettled':
    'Ask again with --rpc when the channel is settled; until then a receipt with a signed state can be verified offline.',
  'channel-receipt-chain-mismatch': 'Do not rely on this receipt; check that --rpc is the right chain.',
  'channel-not-opened': 'Give the same `notarium channel open` again: it goes on with this channel, and pays once.',
  'channel-evidence-mismatch':
    'Look for a newer backup of requester/. Without one, send nothing more in this channel: close it, and open another.',
  'disclosure-malformed':
    'Check that this is the file of the disclosure, whole and unchanged: not a letter may differ.',
  'disclosure-body-mismatch': 'This is not what was notarised: ask who gave it to you for the right disclosure.',
  'disclosure-seal-mismatch': 'Check that this is the receipt that belongs to the disclosure.',
  'acceptance-pending': 'Ask again after the promised slot.',
  'acceptance-broken':
    'Keep the acceptance file: it proves that the centre broke its promise. Show it to the consortium.',
  'acceptance-signer-unknown': 'Do not rely on it: ask the operators who signed it.',
  'record-not-anchored': 'Ask again later: what was accepted stays so. `--wait` waits for the anchor.',
  'wait-timeout': 'Run the same command again later (`notarize` with --resume): nothing is taken twice.',
  'file-exists':
    'Move away what is there, or choose another place with --out; `notarize` has --resume (go on) and --force (replace), too.',
  'receipt-anchor-mismatch':
    'The proof may hold all the same: the time and transaction shown in the receipt are not those of the chain.',
  'file-changed': 'Run again when nobody writes the file, or notarise a copy.',
  'file-unwritable':
    'Make room, or choose another folder with --out; where `notarize` names a record, it was taken all the same.',
  'file-unreadable': 'Check the path and its permissions.',
  'store-corrupt': 'Run `notarium rebuild`: it restores the database from the log tiles and the chain.',
  'activity-store-corrupt':
    'Restore a backup (`notarium import`) into a new --data folder. Without one move activities/ of the data folder away and start: each activity comes back from its members when one of them says the next thing in it.',
  'activity-store-key-wrong':
    'Put back the keystore that the database was made with: without it nobody can read what is there.',
  'channel-store-corrupt':
    'Restore that file from a backup of yours, also an older one, and leave channels/states as it is: with that, or from the other side, it goes on from the newest state. Without one let the other side close, or a watchtower. Where channels/states/newest.sqlite is damaged itself, move it away and start: it is written again from the database, unless that is from a backup.',
  'activity-excluded':
    'Usually it was: `notarium activity show` says by whom, `notarium activity members leave` ends it. If not all say so, ask them by another way.',
  'attachment-quota':
    'Send the message that the files are for; what no message names goes after a day, also files of a message that was refused. The operator sets --attachment-quota.',
  'party-unknown': '`notarium status` names the nodes; a name is written as there, capital letters and all.',
  'party-ambiguous': 'Give the address of the one that you mean: `notarium status` names the nodes.',
  'party-unfit': 'See `notarium status`: a party is an active node with an encryption key.',
  'activity-unknown': '`notarium activity list` shows those of this client.',
  'attachment-unknown': 'Put the file again: what no message names goes after a day.',
  'activity-changed': 'Look with `notarium activity show` what was said, and give the command again.',
  'store-locked':
    'Wait for the other process, stop it, or give another --data folder; `keys` asks a running centre by --url.',
  'store-network-mismatch':
    'Give another --data folder, or --rpc and --contract of the network that the folder belongs to.',
  'store-behind-chain':
    'Copy what is missing from a backup or a mirror of the log and run `notarium rebuild`; with --allow-missing it goes on without.',
  'port-taken': 'Stop the process that uses it, or choose another one by --port.',
  'chain-funds-missing':
    'Pay coins into the account; on the chain of `npm start`: `npx node scripts/fund.ts [ADDRESS]` gives some.',
  'channel-unknown':
    '`notarium channel status` lists the channels of a data folder (--data), `notarium channel open` opens one.',
  'channel-state':
    'See `notarium channel status`: what is closing or settled takes nothing more; open another channel.',
  'channel-balance-short':
    'Close the channel and open one with a greater deposit: what is preserved stays so, and is not paid again there.',
  'chain-unreachable': 'Check --rpc and that the chain runs.',
  'chain-answer-invalid': 'Try again later, or give the --rpc of another node of the same chain.',
  'chain-contract-missing': 'Check --contract and --rpc; docs/operations.md says how the contracts are deployed.',
  'chain-forgot-anchors': 'The chain was reset: start with a new --data folder, or use a chain that keeps its state.',
  'proposal-outdated':
    'Look at what has changed; `rebase` in the draft applies the patch to the newest version and signs that.',
  'patch-failed': 'Write the patch for the newest version of the resource set.',
  'governance-missing': 'Deploy the governor; docs/operations.md says how the contracts are deployed.',
  'signature-needs-chain': 'Give --rpc: whether a contract wallet takes a signature, only the chain says.',
  'content-unavailable': 'Try again when more centres are connected; do not vote on what you cannot read.',
  'resource-drifted': 'Find out who changed the resource; only passed proposals may.',
  'manifest-invalid': 'Ask an operator for the manifest whose hash is on chain (`notarium admission manifest`).',
  'manifest-unproven': 'Ask an operator for the manifest whose hash is on chain (`notarium admission manifest`).',
  'authenticator-missing': 'Give --authenticator with a centre that the registry lists as one.',
  'candidate-too-slow': 'Free the machine of other work, or take a better one, and try again.',
  'answer-late': 'Free the machine of other work, or take a better one, and try again.',
  'profile-contradicts': 'Free the machine of other work, so that it is measured twice alike, and try again.',
  'session-unknown': 'Run the same command again.',
  'centre-below-minimum': 'Free the machine of other work; it tries again by itself.',
  'attestation-expired': 'Run the same command again: it takes the challenge anew.',
  'items-failed': 'Mend what is named above and run again with --resume.',
  'check-failed': 'Mend what is named above and run `notarium doctor` again.',
  internal: 'Run again with --debug and report the output.',
};

/** What to do next about an error code, if there is something to say. */
export function nextStep(code: ErrorCode): string | undefined {
  return steps[code];
}
