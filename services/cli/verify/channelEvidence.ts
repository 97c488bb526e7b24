import type { Address } from '../../core/bytes.ts';
import type { ChannelReceipt } from '../../core/channels/channelReceipt.ts';
import {
  type ChannelEvidenceQuery,
  type ChannelReceiptStep,
  type ChannelVerifyResult,
  verifyChannelReceipt,
} from '../../core/channels/verifyChannelReceipt.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema } from '../../core/schemas.ts';
import { channelEvidence } from '../../lib/channelEvidence.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import type { VerifyFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import { failureJson, failureOf, printSteps, printVerdict } from './printSteps.ts';

/**
 * `notarium verify` with the receipt of an evidence channel: by a state that both sides have signed, and by the chain with `--rpc`.
 * @param options.digestOf Hashes the content; called when all else is given.
 */
export async function verifyChannelFile(
  run: Run<VerifyFlags>,
  receipt: ChannelReceipt,
  options: { rpcUrl: string | undefined; digestOf: () => Promise<Uint8Array> },
): Promise<void> {
  const { settings, signal } = run;
  const { rpcUrl } = options;
  const contract = settings.channels;
  if (contract === undefined) {
    const { chainId, contract: named } = receipt.network;
    throw new NotariumError(
      'network-untrusted',
      'the receipt of an evidence channel needs the contract that you trust: --channels ADDRESS',
      { data: { chainId, named } },
    );
  }
  const verifier = verifierOf(run.options.verifier);
  const network = { chainId: receipt.network.chainId, contract };
  const result = await verifyChannelReceipt(receipt, {
    contentDigest: await options.digestOf(),
    network,
    verifier,
    crypto: await loadCrypto(),
    ...(rpcUrl === undefined
      ? {}
      : { chainEvidence: (query: ChannelEvidenceQuery) => channelEvidence({ ...query, rpcUrl, network, signal }) }),
  });
  print(run, receipt, result, { isVerifierTrusted: verifier !== undefined });
}

function verifierOf(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const parsed = addressSchema.safeParse(text.toLowerCase());
  if (!parsed.success) throw new NotariumError('usage-invalid', '--verifier is an address');
  return parsed.data;
}

function print(
  run: Run<VerifyFlags>,
  receipt: ChannelReceipt,
  result: ChannelVerifyResult,
  basis: { isVerifierTrusted: boolean },
): void {
  const { output } = run;
  const { channel, network, settlement } = receipt;
  const { steps } = result;
  const failure = failureOf(steps);
  output.json({
    ...result,
    ...failureJson(failure),
    network,
    verifier: channel.verifier,
    requester: channel.requester,
    online: steps.some(({ step, status }) => step === 'chain' && status === 'passed'),
    ...(settlement ? { settlement } : {}),
  });
  output.line(
    `channel  ${result.channelId}`,
    `  contract ${network.contract} on chain ${network.chainId}`,
    `  verifier ${channel.verifier}${basis.isVerifierTrusted ? ', whom you trust' : ': whether to trust it is for you to say (--verifier)'}`,
  );
  printSteps(run, steps, ({ step, status }) => (status === 'passed' ? passedText(step, receipt) : skippedText(step)));
  printVerdict(run, failure);
}

/** What each passed step proves, in words of this receipt. */
function passedText(step: ChannelReceiptStep, receipt: ChannelReceipt): string {
  const { bill, channel, inner, proof, root, state, settlement } = receipt;
  switch (step) {
    case 'content':
      return inner
        ? `these very bytes are member ${inner.leafIndex} of the ${inner.treeSize} that the bill is for`
        : 'these very bytes are what the bill is for';
    case 'bill':
      return `${channel.verifier} found it genuine and billed it as ${bill.id}`;
    case 'key':
      return 'the verifier has given the key of the bill: it has confirmed the evidence';
    case 'statements':
      return `verifier and requester have each signed a statement about it`;
    case 'inclusion':
      return `it is piece ${proof.leafIndex} of ${proof.treeSize} under the total digest ${root}`;
    case 'state':
      return `both have signed that total digest, in version ${state?.state.version}`;
    case 'chain': {
      if (!settlement) return 'the contract has that total digest';
      const how = settlement.kind === 'settled' ? 'the channel was settled with it' : 'it was anchored';
      return `the contract has that total digest: ${how} in block ${settlement.blockNumber}, transaction ${settlement.transactionHash}`;
    }
  }
}

function skippedText(step: ChannelReceiptStep): string {
  if (step === 'chain') return 'the chain was not asked (offline)';
  return step === 'state' ? 'the receipt has no signed state; the chain decides' : 'not made';
}
