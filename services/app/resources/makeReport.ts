import type { z } from 'zod';
import { fromUtf8, type Hash, toHex } from '../../core/bytes.ts';
import { canonicalBytes } from '../../core/canonicalJson.ts';
import { networkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import { reportDigest } from '../../core/governance/signing.ts';
import { digestText, signRecord } from '../../core/record.ts';
import type { Finding, StoredReport, StoredVersion } from '../../store/ResourceStore.ts';
import type { VersionProjection } from '../governance/projections.ts';
import type { ResourceParts } from './ResourceParts.ts';
import { reportDocument } from './reportDocument.ts';

/** What a report is about. */
export type Reported = {
  readonly name: string | undefined;
  readonly row: StoredVersion;
  readonly finding: Finding;
  readonly actualHash: Hash;
  /** Sequence of this node's report before it; 0 for none. */
  readonly after: number;
};

/**
 * Makes a report: the full document, the record with its digest, and the signature that goes on chain.
 * @throws NotariumError `resource-failed` where no sequence is left; of `Governance.reportSequence`.
 */
export async function makeReport(
  parts: Pick<ResourceParts, 'governance' | 'signer' | 'crypto' | 'network'>,
  target: VersionProjection,
  { name, row, finding, actualHash, after }: Reported,
): Promise<StoredReport> {
  const { governance, signer, crypto, network } = parts;
  const { resourceSet, version } = target;
  const onChain = await governance.reportSequence(resourceSet, version, signer.address);
  const sequence = Math.max(after, onChain) + 1;
  if (!Number.isSafeInteger(sequence)) throw new NotariumError('resource-failed', 'no sequence is left for a report');
  const report: z.infer<typeof reportDocument> = {
    format: 'notarium-resource-report/1',
    network: networkName(network),
    ...(name === undefined ? {} : { resourceSet: name }),
    id: resourceSet,
    version,
    proposalId: target.proposalId,
    configurationHash: target.configurationHash,
    actualHash,
    matches: finding.matches,
    state: row.state,
    differences: [...finding.differences],
    ...(finding.problem === undefined ? {} : { problem: finding.problem }),
    sequence,
    reporter: signer.address,
    time: finding.time,
  };
  const document = canonicalBytes(reportDocument.parse(report));
  const { configurationHash, matches, state, differences } = report;
  const { id, entry } = await signRecord(
    {
      v: 1,
      network: report.network,
      kind: 'resource',
      subject: `urn:notarium:resource:${name ?? resourceSet}:${version}`,
      digest: digestText(crypto.sha256(document)),
      time: finding.time,
      meta: { version, sequence, configurationHash, actualHash, matches, state, differences: someOf(differences) },
    },
    signer,
    crypto,
  );
  const digest = reportDigest(
    governance.resources,
    { resourceSet, version, sequence, actualHash, recordId: id, reporter: signer.address },
    crypto.keccak256,
  );
  return {
    ...{ resourceSet, version, sequence, state: 'made', matches, actualHash, recordId: id, madeAt: finding.time },
    document: fromUtf8(document),
    entry: fromUtf8(entry),
    signature: toHex(await signer.sign(digest)),
  };
}

/** As many as `meta` has room for; the full report has more. */
function someOf(pointers: readonly string[]): string[] {
  let bytes = 0;
  return pointers.filter((pointer) => {
    // In the worst case each character is an escape of six.
    bytes += JSON.stringify(pointer).length * 3;
    return bytes < 3_000;
  });
}
