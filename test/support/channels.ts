import { readFile } from 'node:fs/promises';
import { Interface } from 'ethers';
import type { SignedClosing } from '../../services/app/channels/SettlementSide.ts';
import type { StateContent } from '../../services/chain/channels/ChannelChain.ts';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../../services/core/bytes.ts';
import { type Bill, keyHashOf } from '../../services/core/channels/bill.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../services/core/channels/channel.ts';
import { closingOf, firstLedger, type Ledger, nextLedger, stateOf } from '../../services/core/channels/ledger.ts';
import { closeDigest, type SignedState, stateDigest } from '../../services/core/channels/state.ts';
import { compactSignature, type Signer } from '../../services/core/signature.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { deployContract, devKey, sendAsDeployer } from './chains.ts';

const crypto = await loadCrypto();

/** `EvidenceChannels` on a chain. */
export type DeployedChannels = { readonly network: ChannelNetwork; readonly fromBlock: number };

/** Deploys `EvidenceChannels` alone. */
export async function deployChannels(rpcUrl: string): Promise<DeployedChannels> {
  const { address, blockNumber } = await deployContract(rpcUrl, 'EvidenceChannels', []);
  const chainId = Number(await jsonRpc(rpcUrl)('eth_chainId', []));
  return { network: { chainId, contract: address.toLowerCase() as Address }, fromBlock: blockNumber };
}

/** Deploys a token that development account 9 has all of, and gives some to another account. */
export async function deployToken(rpcUrl: string, owner: Address, amount: bigint): Promise<Address> {
  const file = new URL('../../artifacts/test/contracts/support/ChannelDoubles.sol/TestToken.json', import.meta.url);
  const { abi, bytecode } = JSON.parse(await readFile(file, 'utf8'));
  const { contractAddress } = await sendAsDeployer(rpcUrl, 'token', { data: bytecode as Hex });
  const data = new Interface(abi).encodeFunctionData('transfer', [owner, amount]) as Hex;
  await sendAsDeployer(rpcUrl, 'transfer', { to: contractAddress, data });
  return contractAddress.toLowerCase() as Address;
}

/** Places in `Mood` of `TestToken`. */
export const tokenMoods = {
  honest: 0,
  takingFee: 1,
  answeringFalse: 2,
  lying: 5,
  reverting: 6,
  calling: 7,
  burning: 8,
};
/** Places in `Mood` of `TestPayee`. */
export const payeeMoods = { taking: 0, reverting: 1, revertingMuch: 2, burning: 3, calling: 4 };

const moods = new Interface(['function setMood(uint8 mood, address target, bytes data)']);

/** Tells a `TestToken` or `TestPayee` how to behave. @param call What it calls, where it does. */
export async function setMood(
  rpcUrl: string,
  to: Address,
  mood: number,
  call: { readonly target: Address; readonly data: Hex } = { target: to, data: '0x' },
): Promise<void> {
  const data = moods.encodeFunctionData('setMood', [mood, call.target, call.data]) as Hex;
  await sendAsDeployer(rpcUrl, 'setMood', { to, data });
}

/** The code of `TestPayee`, for an account that is to be a contract, as one of EIP-7702 is. */
export async function payeeCode(): Promise<Hex> {
  const file = new URL('../../artifacts/test/contracts/support/ChannelDoubles.sol/TestPayee.json', import.meta.url);
  return (JSON.parse(await readFile(file, 'utf8')) as { deployedBytecode: Hex }).deployedBytecode;
}

/** Signs as a development account. */
export const devSigner = (index: number): Signer => localSigner(devKey(index), crypto);

/** A bill, and the key that it is paid for. */
export type OpenBill = { readonly bill: Bill; readonly key: Hash };

/** What two sides that get on with each other have signed: every state since the first, with what its hashes stand for. */
export type SignedHistory = {
  readonly channelId: Hash;
  readonly channel: Channel;
  readonly network: ChannelNetwork;
  /** Newest last. */
  readonly states: readonly SignedState[];
  readonly bills: readonly OpenBill[];
  content(version: number): StateContent | undefined;
  /** Adds locks for new bills, folds and drops others, and signs; the state that came of it. */
  update(change: {
    adds?: readonly { amount: bigint; expiry: number }[];
    folds?: readonly OpenBill[];
    drops?: readonly OpenBill[];
    held?: bigint;
  }): Promise<SignedState>;
  /** Pays an amount by one bill: a lock, then a fold. */
  pay(amount: bigint): Promise<SignedState>;
  signClosing(): Promise<SignedClosing>;
};

let made = 0;

/** Both sides of a channel, whose keys are those of the signers. */
export function signedHistory(
  network: ChannelNetwork,
  channel: Channel,
  requester: Signer,
  verifier: Signer,
): SignedHistory {
  const channelId = channelIdOf(network, channel);
  const ledgers: Ledger[] = [firstLedger(channel.amount)];
  const states: SignedState[] = [];
  const bills: OpenBill[] = [];
  const both = async (digest: Uint8Array) => ({
    requesterSignature: toHex(compactSignature(await requester.sign(digest))),
    verifierSignature: toHex(compactSignature(await verifier.sign(digest))),
  });
  const newBill = ({ amount, expiry }: { amount: bigint; expiry: number }): OpenBill => {
    const [id, key, digest] = ['bill', 'key', 'content'].map((text) =>
      toHex(crypto.keccak256(Buffer.from(`${text} ${made}`))),
    );
    made++;
    const bill = { id: id!, channelId, digest: digest!, count: 1, amount, expiry, keyHash: keyHashOf(key!) };
    return { bill, key: key! };
  };
  const history: SignedHistory = {
    channelId,
    channel,
    network,
    states,
    bills,
    content(version) {
      const ledger = ledgers.find((each) => each.version === version);
      return ledger && { locks: ledger.locks, evidence: ledger.evidence };
    },
    async update({ adds = [], folds = [], drops = [], held }) {
      const base = ledgers.at(-1)!;
      const added = adds.map(newBill);
      const next = nextLedger(base, {
        version: base.version + 1,
        held: held ?? base.held,
        folds: folds.map(({ bill }) => bill.id),
        drops: drops.map(({ bill }) => bill.id),
        adds: added.map(({ bill }) => bill),
      });
      const state = stateOf(next);
      const signed = { state, ...(await both(stateDigest(network, channelId, state))) };
      ledgers.push(next);
      bills.push(...added);
      states.push(signed);
      return signed;
    },
    async pay(amount) {
      await history.update({ adds: [{ amount, expiry: 2 ** 40 }] });
      return await history.update({ folds: [bills.at(-1)!] });
    },
    async signClosing() {
      const closing = closingOf(ledgers.at(-1)!);
      return { closing, ...(await both(closeDigest(network, channelId, closing))) };
    },
  };
  return history;
}

/** The evidence digests of a history that are folded, in order, as bytes. */
export const digestsOf = (bills: readonly OpenBill[]): Uint8Array[] => bills.map(({ bill }) => fromHex(bill.digest));
