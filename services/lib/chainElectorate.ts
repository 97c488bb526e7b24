import { type Address, type Hex, hexDigits, utf8 } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { portableCrypto } from '../core/crypto.ts';
import { hashWord } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import type { ProposalId } from '../core/governance/signing.ts';
import { checkChainId } from './ethCall.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { type JsonRpc, JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';
import { isRevert } from './revertData.ts';

/** Who decides on a proposal, as the chain says: all that a verifier of its result needs to know beforehand. */
export type ChainElectorate = {
  /** `ConsortiumGovernor`. */
  readonly governor: Address;
  /** The committee at the moment of the proposal. */
  readonly committee: Committee;
};

/**
 * The governor of a network and the electorate of a proposal, asked with plain `eth_call`s and nothing but `fetch`: from
 * `BlockAnchor` to its registry, to its governor.
 * @throws NotariumError `governance-missing`, `proposal-unknown`, `chain-unreachable`, `chain-answer-invalid`,
 *   `chain-mismatch`, `chain-contract-missing`.
 */
export async function chainElectorate(
  query: { rpcUrl: string; chainId: number; contract: Address; proposalId: ProposalId } & JsonRpcOptions,
): Promise<ChainElectorate> {
  const { rpcUrl, chainId, contract, proposalId, ...options } = query;
  const rpc = jsonRpc(rpcUrl, options);
  try {
    checkChainId(await rpc('eth_chainId', []), chainId);
    const registry = addressIn(await call(rpc, contract, 'registry()'));
    const governor = addressIn(await call(rpc, registry, 'governor()'));
    if (/^0x0*$/.test(governor)) throw new NotariumError('governance-missing');
    const words = await call(rpc, governor, 'proposal(uint256)', proposalId).catch((error: unknown) => {
      if (error instanceof JsonRpcError && isRevert(error)) {
        throw new NotariumError('proposal-unknown', proposalId, { data: { proposalId }, cause: error });
      }
      throw error;
    });
    const members = membersIn(await call(rpc, governor, 'electorate(uint256)', proposalId));
    // kind, aggregation, proposer, epoch, …
    return { governor, committee: { epoch: numberIn(words, 3), members } };
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}

async function call(rpc: JsonRpc, to: Address, signature: string, argument?: ProposalId): Promise<Hex[]> {
  const selector = hexDigits(portableCrypto.keccak256(utf8(signature))).slice(0, 8);
  const data = `0x${selector}${argument === undefined ? '' : hexDigits(hashWord(argument))}`;
  const missing = (cause?: unknown) =>
    new NotariumError('chain-contract-missing', to, { data: { contract: to }, cause });
  const answer = await rpc('eth_call', [{ to, data }, 'latest']).catch((error: unknown) => {
    // Another contract than it should be; one that is asked about something may not have it.
    if (argument === undefined && error instanceof JsonRpcError && isRevert(error)) throw missing(error);
    throw error;
  });
  if (answer === '0x') throw missing();
  if (typeof answer !== 'string' || !/^0x(?:[0-9a-f]{64})+$/.test(answer))
    throw invalidAnswer(`${signature}: no words`);
  return answer
    .slice(2)
    .match(/.{64}/g)!
    .map((word): Hex => `0x${word}`);
}

function addressIn(words: readonly Hex[], index = 0): Address {
  const word = words[index];
  if (word === undefined || !/^0x0{24}/.test(word)) throw invalidAnswer('no address');
  return `0x${word.slice(-40)}` as const;
}

function numberIn(words: readonly Hex[], index: number): number {
  const value = Number(words[index] ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw invalidAnswer('no number');
  return value;
}

// Where the array begins, its length, its items.
function membersIn(words: readonly Hex[]): Address[] {
  const count = numberIn(words, 1);
  if (count > 256 || words.length !== 2 + count) throw invalidAnswer('no list of members');
  return Array.from({ length: count }, (_, index) => addressIn(words, 2 + index));
}
