import { type CheckedManifest, type Manifest, readManifest } from '../../core/admission/manifest.ts';
import { networkName } from '../../core/eip712.ts';
import { receiptFormat } from '../../core/receipt.ts';
import { ballotsProtocol } from '../governance/BallotExchange.ts';
import { outcomeProtocol } from '../governance/OutcomeExchange.ts';
import { contentProtocol } from '../governance/openContents.ts';
import { protocols } from '../replication/wire.ts';
import type { AdmissionParts } from './AdmissionParts.ts';

/** What every centre of this software writes and reads; a number grows when a format changes. */
const formats = [
  'notarium-admission-refusal/1',
  'notarium-join/1',
  'notarium-manifest/1',
  'notarium-profile/1',
  'notarium-proposal-result/1',
  'notarium-proposal/1',
  'notarium-record/1',
  'notarium-resource-report/1',
  receiptFormat,
  'rfc9162-sha256',
  'tlog-tiles',
];

/**
 * The manifest of this network by the facts of the chain and what this software speaks: the same at every centre of one version.
 * @throws NotariumError `manifest-invalid`, `json-too-large` (the agreement).
 */
export function makeManifest(
  { chain, governance, crypto }: Pick<AdmissionParts, 'chain' | 'governance' | 'crypto'>,
  agreement: string | undefined,
): CheckedManifest {
  const { network, contract, registry, genesisHash, periodSeconds, graceSeconds } = chain.info;
  const spoken = [...Object.values(protocols), ballotsProtocol, outcomeProtocol, contentProtocol];
  const manifest: Manifest = {
    format: 'notarium-manifest/1',
    network: networkName(network),
    genesisHash,
    contracts: {
      blockAnchor: contract,
      nodeRegistry: registry,
      consortiumGovernor: governance.governor.contract,
      resourceRegistry: governance.resources.contract,
    },
    rules: { periodSeconds, graceSeconds, quorum: 'floor(2m/3)+1', publisher: 'committee[slot mod m]' },
    formats: formats.toSorted(),
    protocols: spoken.toSorted(),
    ...(agreement === undefined ? {} : { agreement }),
  };
  return readManifest(manifest, crypto);
}
