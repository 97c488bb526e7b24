import { NotariumError } from '../../core/errors.ts';
import {
  type ResultBasis,
  type VerifiedResult,
  verifyProposalResult,
  verifyProposalResultByChain,
} from '../../core/governance/proposalResult.ts';
import { type ChainElectorate, chainElectorate } from '../chainElectorate.ts';
import { invalidAnswer } from '../invalidAnswer.ts';
import { JsonRpcError, jsonRpc } from '../jsonRpc.ts';
import { isTakenByWallet } from '../walletSignature.ts';
import type { CallOptions, Connection } from './Connection.ts';
import type { ProposalDetail } from './governanceAnswers.ts';
import { networkOf, type TrustedNetwork } from './TrustedNetwork.ts';

/** See Proposals.verify. */
export async function verifyProposal(
  connection: Connection,
  { proposalId, epoch, result }: ProposalDetail,
  { signal }: CallOptions = {},
): Promise<VerifiedResult> {
  const trusted = connection.options.trusted ?? (await connection.trust({ signal })).trusted;
  const { chainId, contract } = networkOf(trusted);
  if (!result) throw new NotariumError('content-unavailable', 'the centre has no result data yet');
  const have = result.data.proposalId;
  if (have !== proposalId) {
    throw new NotariumError('proposal-mismatch', 'proposalId', {
      data: { field: 'proposalId', have, want: proposalId },
    });
  }
  const { rpcUrl } = connection.options;
  const { governor, committee } =
    rpcUrl === undefined
      ? trustedElectorate(trusted, epoch)
      : await chainElectorate({ rpcUrl, chainId, contract, proposalId, ...(signal ? { signal } : {}) });
  const basis: ResultBasis = {
    governor: { chainId, contract: governor },
    committee,
    network: trusted.network,
    crypto: await connection.crypto(),
  };
  if (rpcUrl === undefined) return verifyProposalResult(result, basis);
  const rpc = jsonRpc(rpcUrl, signal ? { signal } : {});
  return await verifyProposalResultByChain(result, basis, async (account, digest, signature) => {
    try {
      return await isTakenByWallet(rpc, { account, asker: governor }, digest, signature);
    } catch (cause) {
      throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
    }
  });
}

/** The epoch is the centre's word; who its members were is not. */
function trustedElectorate({ governor, committees, network }: TrustedNetwork, epoch: number): ChainElectorate {
  const committee = committees.find((each) => each.epoch === epoch);
  if (governor !== undefined && committee) return { governor, committee };
  const what = committee ? 'its governor' : `its committee of epoch ${epoch}`;
  throw new NotariumError('network-untrusted', `${network} is trusted, but not ${what}`, { data: { network, epoch } });
}
