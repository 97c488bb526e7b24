import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { supports } from '../../core/governance/names.ts';
import { maxProposalRequestBytes, readProposalRequest } from '../../core/governance/proposalRequest.ts';
import type { SignedProposal } from '../../lib/client/Proposals.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { openActing, proposalIdFrom, withActing, withReading } from '../governance/GovernanceRun.ts';
import { type ListFlags, listProposals, oneOf } from '../governance/listProposals.ts';
import { showProposal } from '../governance/showProposal.ts';
import { type WatchFlags, watchEvents } from '../governance/watchEvents.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

type CreateFlags = CentreFlags & { rebase?: boolean };
type VoteFlags = CentreFlags & { reason?: string; bySignature?: boolean };

/** `notarium proposal`. */
export function addProposal(program: Command, context: ProgramContext): void {
  const proposal = program.command('proposal').description('proposals and votes of the consortium');
  withActing(proposal.command('create').description('propose what a file says (examples/proposals has some)'))
    .argument('<file>', 'the proposal: a draft, or one that was completed and signed elsewhere')
    .option('--rebase', 'apply the patch of a resource proposal to the newest version, whatever the file says')
    .action(runs<CreateFlags, [string]>(context, create));
  withReading(proposal.command('list').description('the newest proposals'))
    .option('--state <state>', 'pending, active, succeeded, defeated, canceled, executed or expired')
    .option('--kind <kind>', 'admission, suspension, removal, authenticator, parameter, resource or general')
    .option('--limit <count>', 'how many (default: 50)')
    .action(runs<ListFlags, []>(context, listProposals));
  withReading(proposal.command('show').description('a proposal, its votes and its result, checked by this machine'))
    .argument('<id>', 'id of the proposal, hexadecimal or decimal')
    .option('--rpc <url>', 'JSON-RPC of the chain, to check the result by it (default: by the trusted network)')
    .action(runs<CentreFlags, [string]>(context, showProposal));
  withActing(proposal.command('vote').description('vote as the centre'))
    .argument('<id>', 'id of the proposal')
    .argument('<support>', 'for, against or abstain')
    .option('--reason <text>', 'why; stays on chain')
    .option('--by-signature', 'sign only: the centres hand collected votes in together')
    .action(runs<VoteFlags, [string, string]>(context, vote));
  withActing(proposal.command('cancel').description('take a proposal of the centre back, before its vote starts'))
    .argument('<id>', 'id of the proposal')
    .action(runs<CentreFlags, [string]>(context, (run, id) => change(run, id, 'cancel')));
  withActing(proposal.command('execute').description('execute what has passed; the centres do so by themselves, too'))
    .argument('<id>', 'id of the proposal')
    .action(runs<CentreFlags, [string]>(context, (run, id) => change(run, id, 'execute')));
  withReading(
    proposal.command('watch').description('a line for each event of proposals and resource sets, until Ctrl-C'),
  )
    .option('--after <number>', 'start after this event: the first number in its line (default: with the next one)')
    .option('--all', 'events of blocks, records and alerts too')
    .action(runs<WatchFlags, []>(context, watchEvents));
}

async function create(run: Run<CreateFlags>, file: string): Promise<void> {
  const { output, signal, terminal, options } = run;
  const text = await readSmallFile(resolve(terminal.cwd, file), { maxBytes: maxProposalRequestBytes });
  const request = readProposalRequest(text);
  if ('signed' in request && options.rebase) {
    throw new NotariumError('usage-invalid', '--rebase changes what is proposed, and this file is signed');
  }
  const proposal =
    'signed' in request
      ? (JSON.parse(text.toString()) as SignedProposal)
      : { ...request.draft, ...(options.rebase ? { rebase: true } : {}) };
  const { client } = await openActing(run);
  const { proposalId, contentHash, recordId, transactionHash, ...more } = await client.proposals.create(proposal, {
    signal,
  });
  output.json({ ok: true, proposalId, contentHash, recordId, transactionHash, ...more });
  output.line(`${output.mark('passed')} proposed ${proposalId}`);
  output.line(`  ${'content'.padEnd(11)} sha-256:${contentHash.slice(2)}`);
  output.line(`  ${'record'.padEnd(11)} ${recordId}`);
  if (transactionHash !== undefined) output.line(`  ${'transaction'.padEnd(11)} ${transactionHash}`);
  output.note(`  Each centre can vote now: notarium proposal vote ${proposalId} for`);
}

async function vote(run: Run<VoteFlags>, text: string, supportText: string): Promise<void> {
  const { output, signal, options } = run;
  const proposalId = proposalIdFrom(text);
  const support = oneOf('<support>', supportText, supports)!;
  const { client, nameOf } = await openActing(run);
  const { reason, bySignature } = options;
  const by = bySignature ? 'signature' : 'transaction';
  const voted = await client.proposals.vote(proposalId, support, { reason, by, signal });
  output.json({ ok: true, ...voted });
  const how = voted.by === 'signature' ? 'signed, to be handed in with others' : `transaction ${voted.transactionHash}`;
  output.line(`${output.mark('passed')} ${nameOf(voted.voter)} votes ${voted.support} (${how})`);
}

async function change(run: Run<CentreFlags>, text: string, what: 'cancel' | 'execute'): Promise<void> {
  const { output, signal } = run;
  const proposalId = proposalIdFrom(text);
  const { client } = await openActing(run);
  const changed = await client.proposals[what](proposalId, { signal });
  output.json({ ok: true, ...changed });
  const transaction = changed.transactionHash === undefined ? '' : ` (transaction ${changed.transactionHash})`;
  output.line(`${output.mark('passed')} ${what === 'cancel' ? 'canceled' : 'executed'}${transaction}`);
}
