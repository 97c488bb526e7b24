import { type Address, concat, type Hash, type Hex, toHex } from '../../core/bytes.ts';
import { keyHashOf } from '../../core/channels/bill.ts';
import { type Channel, channelIdOf } from '../../core/channels/channel.ts';
import { firstState } from '../../core/channels/state.ts';
import { compactSignature, signatureBytes } from '../../core/signature.ts';
import { channelsInterface } from '../interfaces.ts';
import type { CallOptions, MinedCall } from '../SentTransaction.ts';
import { sendCall } from '../sendCall.ts';
import { approve } from './approve.ts';
import type { ChannelChain, CloseSignatures } from './ChannelChain.ts';
import type { ChannelSource } from './ChannelSource.ts';
import { channelCodes as codes } from './codesOf.ts';
import { settleData } from './settleData.ts';

type Changes = Pick<
  ChannelChain,
  | 'open'
  | 'deposit'
  | 'closeTogether'
  | 'startClosing'
  | 'challenge'
  | 'reveal'
  | 'settle'
  | 'anchorEvidence'
  | 'withdraw'
>;

/** The chain's own coin. */
const coin = `0x${'0'.repeat(40)}`;
const mostKeys = 256;

/** What changes something on the chain; see {@link ChannelChain}. */
export function changesOf(source: ChannelSource): Changes {
  const { network } = source;
  const send = (name: string, data: Hex, options?: CallOptions, valueWei?: bigint): Promise<MinedCall> => {
    const value = valueWei === undefined ? {} : { valueWei };
    return sendCall(source, { name, to: network.contract, key: data, data: () => data, codes, ...value }, options);
  };
  // An allowance that one call has asked for must not be used up by another.
  let payments: Promise<unknown> = Promise.resolve();
  const pay = (token: Address, amount: bigint, options: CallOptions = {}, name: string, data: Hex) => {
    if (token === coin) return send(name, data, options, amount);
    const paid = payments.then(async () => {
      await approve(source, token, amount, options);
      return send(name, data, options);
    });
    payments = paid.catch(() => undefined);
    return paid;
  };
  return {
    async open(terms, options) {
      const { verifier, token, amount, challengeSeconds, salt } = terms;
      const channel: Channel = { requester: source.senders().account.address, ...terms };
      const channelId = channelIdOf(network, channel);
      const args = [verifier, token, amount, challengeSeconds, salt] as const;
      const data = channelsInterface.encodeFunctionData('open', [...args]) as Hex;
      return { ...(await pay(token, amount, options, 'opening of a channel', data)), channel, channelId };
    },
    deposit: (channel, amount, expectedHeld, options) => {
      const data = channelsInterface.encodeFunctionData('deposit', [channel, amount, expectedHeld]) as Hex;
      return pay(channel.token, amount, options, 'deposit to a channel', data);
    },
    closeTogether: async (channel, closing, signatures, options) => {
      const args = [channel, closing, bothOf(signatures)] as const;
      const data = channelsInterface.encodeFunctionData('closeTogether', [...args]) as Hex;
      return send('closing of a channel', data, options);
    },
    startClosing: async (channel, signed, options) => {
      const state = signed?.state ?? firstState(await source.contract.heldOf(channel));
      const args = [channel, state, signed ? bothOf(signed) : '0x'] as const;
      const data = channelsInterface.encodeFunctionData('startClosing', [...args]) as Hex;
      return send('begin of a closing', data, options);
    },
    challenge: async (channel, signed, options) => {
      const args = [channel, signed.state, bothOf(signed)] as const;
      const data = channelsInterface.encodeFunctionData('challenge', [...args]) as Hex;
      return send('challenge', data, options);
    },
    reveal: async (keys, options) => {
      if (keys.length > mostKeys) throw new RangeError(`more than ${mostKeys} keys`);
      const hidden: Hash[] = [];
      for (const key of keys) if ((await source.contract.revealedAt(keyHashOf(key))) === 0n) hidden.push(key);
      if (hidden.length === 0) return undefined;
      return send('bill keys', channelsInterface.encodeFunctionData('reveal', [hidden]) as Hex, options);
    },
    settle: (channel, content, options) => {
      const key = channelIdOf(network, channel);
      const data = () => settleData(source, channel, content);
      return sendCall(source, { name: 'settlement', to: network.contract, key, data, codes }, options);
    },
    anchorEvidence: async (channel, signed, options) => {
      const args = [channel, signed.state, bothOf(signed)] as const;
      const data = channelsInterface.encodeFunctionData('anchorEvidence', [...args]) as Hex;
      return send('total digest', data, options);
    },
    withdraw: async (token, to, options) =>
      send('withdrawal', channelsInterface.encodeFunctionData('withdraw', [token, to]) as Hex, options),
  };
}

/** Both signatures as the contract takes them: 64 bytes each, the requester's first. */
function bothOf({ requesterSignature, verifierSignature }: CloseSignatures): Hex {
  const [first, second] = [requesterSignature, verifierSignature].map((text) => compactSignature(signatureBytes(text)));
  return toHex(concat(first!, second!));
}
