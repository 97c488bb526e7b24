import type { Chain } from '../chain/Chain.ts';
import { zeroHash } from '../core/block.ts';
import { fromHex } from '../core/bytes.ts';
import { type Committee, quorumOf } from '../core/committee.ts';
import type { Crypto } from '../core/crypto.ts';
import { networkName } from '../core/eip712.ts';
import { isNotariumError } from '../core/errors.ts';
import { checkpointOrigin } from '../core/log/checkpoint.ts';
import { noteVerifier, verifierKeyText } from '../core/log/note.ts';
import { asReceipt } from '../core/receipt.ts';
import { verifyReceipt } from '../core/verifyReceipt.ts';
import type { Centre, NetworkView } from './Centre.ts';

// The committee may change at any time, but nobody can act on it within seconds.
const keptMs = 3_000;

/** What a centre answers by its chain alone: who the network is, and whether a receipt holds. */
export function askChain(chain: Chain, crypto: Crypto): Pick<Centre, 'network' | 'verify'> {
  const { info } = chain;
  const origin = checkpointOrigin(info.network);

  const committeeAt = async (epoch: number): Promise<Committee | undefined> => {
    try {
      return await chain.committee(epoch);
    } catch (error) {
      // A receipt may name any epoch: that the registry has none such is a verdict. Nothing else is.
      if (isNotariumError(error, 'chain-anchor-rejected') && error.data.error === 'EpochUnknown') return undefined;
      throw error;
    }
  };

  const readNetwork = async (): Promise<NetworkView> => {
    const [nodes, committees, current] = await Promise.all([chain.nodes(), chain.committees(), chain.committee()]);
    return {
      network: networkName(info.network),
      chainId: info.chainId,
      contract: info.contract,
      registry: info.registry,
      ...(chain.governance ? { governor: chain.governance.governor.contract } : {}),
      periodSeconds: info.periodSeconds,
      graceSeconds: info.graceSeconds,
      epoch: current.epoch,
      quorum: quorumOf(current.members.length),
      origin,
      centres: nodes.map((node) => ({
        ...node,
        verifierKey: verifierKeyText(noteVerifier(origin, fromHex(node.noteKey))),
      })),
      committees,
    };
  };
  /** Anybody may ask, and each time costs calls to a node that counts them. */
  let kept: { readonly view: Promise<NetworkView>; readonly untilMs: number } | undefined;

  return {
    network() {
      if (kept && performance.now() < kept.untilMs) return kept.view;
      const reading = { view: readNetwork(), untilMs: performance.now() + keptMs };
      kept = reading;
      reading.view.catch(() => {
        if (kept === reading) kept = undefined;
      });
      return reading.view;
    },

    async verify(value, contentDigest) {
      const receipt = asReceipt(value);
      const committee = await committeeAt(receipt.block.epoch);
      return await verifyReceipt(receipt, {
        contentDigest,
        network: info.network,
        committees: committee ? [committee] : [],
        chainBlockHash: async (height) => (await chain.blockHash(height)) ?? zeroHash,
        chainAnchor: async ({ height, blockHash, transactionHash }) => {
          const anchor = await chain.findAnchor(height, blockHash, { slot: receipt.block.slot });
          return anchor?.transactionHash === transactionHash ? anchor : undefined;
        },
        crypto,
      });
    },
  };
}
