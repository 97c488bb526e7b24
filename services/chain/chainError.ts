import { type ErrorDescription, isError, type Result } from 'ethers';
import { type ErrorData, NotariumError } from '../core/errors.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import { JsonRpcError } from '../lib/jsonRpc.ts';
import { isRevert, revertData } from '../lib/revertData.ts';
import {
  blockAnchorInterface,
  channelsInterface,
  governorInterface,
  registryInterface,
  resourcesInterface,
} from './interfaces.ts';

const interfaces = [blockAnchorInterface, registryInterface, governorInterface, resourcesInterface, channelsInterface];

/** Runs a call to the chain; what it throws comes out as a NotariumError where it is the chain's fault. */
export async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw chainError(error);
  }
}

/**
 * The NotariumError for what a node answered: `chain-anchor-rejected` with data `{ error, args }` for a revert,
 * `chain-funds-missing`, `chain-contract-missing`, else `chain-answer-invalid`. Other errors stay as they are.
 */
export function chainError(error: unknown): unknown {
  if (isError(error, 'BAD_DATA')) {
    return new NotariumError('chain-contract-missing', 'the contract answered nothing that fits', { cause: error });
  }
  if (!(error instanceof JsonRpcError)) return error;
  const reason = revertReason(error);
  if (reason) return new NotariumError('chain-anchor-rejected', String(reason.error), { data: reason, cause: error });
  if (/insufficient funds|enough funds|exceeds? (?:the )?balance/i.test(error.message)) {
    return new NotariumError('chain-funds-missing', undefined, { cause: error });
  }
  return invalidAnswer(error);
}

/** Whether the node says that the nonce is behind the account's. */
export function isNonceUsed(error: unknown): boolean {
  return (
    error instanceof JsonRpcError && /nonce.{0,20}too low|nonce.{0,40}already been used|old nonce/i.test(error.message)
  );
}

/** Whether the node has a transaction with this nonce waiting, which pays too much to be replaced by this one. */
export function isUnderpricedReplacement(error: unknown): boolean {
  return error instanceof JsonRpcError && /replac.*underpriced|underpriced.*replac/i.test(error.message);
}

/** Whether the node has this very transaction already. */
export function isAlreadyKnown(error: unknown): boolean {
  return (
    error instanceof JsonRpcError &&
    /already known|already imported|known transaction|already exists/i.test(error.message)
  );
}

/** Name and arguments of the contract error in a node's answer; undefined when it is no revert. */
export function revertReason(error: JsonRpcError): ErrorData | undefined {
  const data = revertData(error);
  for (const contract of data ? interfaces : []) {
    const description = contract.parseError(data!);
    if (description) return { error: description.name, args: namedArgs(description) };
  }
  if (!isRevert(error)) return undefined;
  return { error: 'unknown', args: data ? { data } : {} };
}

function namedArgs({ fragment, args }: ErrorDescription): Record<string, unknown> {
  return Object.fromEntries(fragment.inputs.map(({ name }, index) => [name || String(index), plain(args[index])]));
}

// As plain JSON: exact numbers as numbers, greater ones as decimal text, hexadecimal in lower case.
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (typeof value === 'string') return value.startsWith('0x') ? value.toLowerCase() : value;
  if (Array.isArray(value)) return (value as Result).toArray().map(plain);
  return value;
}
