import type { Command } from 'commander';
import { withChain, withData, withKey } from '../commandOptions.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium node`. */
export function addNode(program: Command, context: ProgramContext): void {
  const command = program.command('node').description('run a centre until Ctrl-C');
  withKey(withChain(withData(command)))
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: 8080)')
    .option('--confirmations <count>', 'chain blocks on top of an anchor before a block is committed')
    .option('--promise-slots <count>', 'slots by which a record is promised to be in a block (default: 60 or more)')
    .option('--submit <policy>', 'open (default): signed records need no API key; key: they do')
    .option('--read <policy>', 'open (default) or key: who may read')
    .option('--no-rate-limit', 'no limits of requests for an address or key')
    .option('--no-publish', 'serve only: another process on the same database publishes')
    .option('--no-execute', 'leave the execution of passed proposals to others, or to you')
    .option(
      '--listen <multiaddrs>',
      'where other centres may connect (default: /ip4/127.0.0.1/tcp/0); commas between several',
    )
    .option('--announce <multiaddrs>', 'what they are told to dial, where that differs from --listen')
    .option('--peers <list>', 'where to dial centres that need no look-up: ADDRESS=MULTIADDR, commas between several')
    .option('--trust-proxy <proxies>', 'number or addresses of proxies whose X-Forwarded-For counts')
    .option('--pool-limit <count>', 'records that may wait for a block (default: 1000000)')
    .option('--threads <count>', 'threads that check records (default: one for each processor)')
    .option('--replace-after <seconds>', 'when a stuck anchor transaction is sent with higher fees (default: 15)')
    .option('--resources <file>', 'how shared resource sets are kept here (default: JSON files in the data folder)')
    .option('--verifier-policy <file>', 'verify evidence in channels, too: what is taken, and what it costs')
    .option('--channels <address>', 'EvidenceChannels contract, for --verifier-policy')
    .option('--attachments-url <url>', 'bucket of the files of private activities (default: in the data folder)')
    .option('--attachment-quota <GiB>', 'files that a client may put before the message for them (default: 64)')
    .option(
      '--undelivered-alert <hours>',
      'when a message that a member of an activity has not taken is told as a problem (default: 24)',
    )
    .option(
      '--unrecorded-alert <hours>',
      'when a message of an activity without a record in the log is told as a problem (default: 24)',
    )
    .option(
      '--record-spread <seconds>',
      'within which time each record of an activity goes to the log, at random (default: 20)',
    )
    .option(
      '--unread-activities <number>',
      'activities that a member may have here that nobody has looked at (default: 100000)',
    )
    .option('--unread-quota <GiB>', 'and bytes of messages in them (default: 4)')
    .option('--admission-wait <seconds>', 'how long candidates wait here after a first failed attempt (default: 30)')
    .option('--asn-database <file>', 'networks that candidates come from, in the layout of GeoLite2-ASN')
    .option('--webhook <url>', 'tell events there, signed with NOTARIUM_WEBHOOK_SECRET')
    .option('--webhook-events <types>', 'which ones, commas between them, like proposal.*,alert')
    .option(
      '--old-encryption-key <files>',
      'earlier encryption keys, beside those in the keystore; commas between them',
    )
    .option('--log-level <level>', 'debug, info (default), warn, error or silent')
    .action(runs<object, []>(context, (run) => run.actions.runNode(run)));
}
