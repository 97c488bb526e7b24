/**
 * Hands a proposal in: `NOTARIUM_PROPOSAL=examples/proposals/general.json npx hardhat run scripts/propose.ts --network localhost`
 * (Hardhat passes no arguments on to a script, so they are environment variables; the others are at openGovernanceNetwork).
 * NOTARIUM_REBASE=true applies the patch of a resource proposal to the newest version, whatever the file says.
 *
 * The file is a draft as `notarium proposal create` takes it. It is completed and signed (EIP-712) here. The content stays
 * beside the deployment file, by its hash: give it to the other centres, which vote for nothing that they cannot read.
 */

import { networkName } from '../services/core/eip712.ts';
import { NotariumError } from '../services/core/errors.ts';
import { completeDraft } from '../services/core/governance/completeDraft.ts';
import { readConfiguration, resourceSetId } from '../services/core/governance/configuration.ts';
import type { Json } from '../services/core/governance/json.ts';
import { maxContentBytes } from '../services/core/governance/proposalContent.ts';
import { type DraftedProposal, readProposalDraft } from '../services/core/governance/proposalDraft.ts';
import { proposalDigest } from '../services/core/governance/signing.ts';
import { readSmallFile } from '../services/lib/readSmallFile.ts';
import { findContent, keepContent } from './support/contentsFolder.ts';
import type { GovernanceNetwork, ScriptEnv } from './support/governanceNetwork.ts';
import { reportProposal } from './support/proposalOnChain.ts';
import { runScript, type Say } from './support/runScript.ts';

/** As the centres' own default. */
const defaultValidForSeconds = 24 * 60 * 60;

async function propose(network: GovernanceNetwork, env: ScriptEnv, say: Say): Promise<void> {
  const { chain, governance, signers, crypto } = network;
  const draft = await draftOf(env);
  const proposer = signers[0];
  const head = draft.kind === 'resource' ? await headOf(network, draft.effect.resourceSet) : undefined;
  // A development chain's clock may be ahead of this one.
  const { timestamp } = await governance.newestBlock();
  const nowSeconds = Math.max(Math.floor(Date.now() / 1000), timestamp);
  const completed = completeDraft(
    draft,
    {
      network: networkName(chain.info.network),
      proposer: proposer.address,
      time: new Date(1000 * nowSeconds).toISOString(),
      ...(head ? { head } : {}),
    },
    crypto,
  );
  const { content, hash: contentHash, bytes, configuration } = completed;
  const path = await keepContent(network, contentHash, bytes);
  if (configuration) await keepContent(network, configuration.hash, configuration.bytes);
  const validUntil = nowSeconds + (draft.validForSeconds ?? defaultValidForSeconds);
  const signed = { content, contentHash, validUntil };
  const proposalId = await governance.proposalIdOf(signed);
  const digest = proposalDigest(governance.governor, { proposalId, kind: content.kind, contentHash, validUntil });
  const { transactionHash, gasUsed } = await governance.propose(signed, await proposer.sign(digest));
  say(`${content.kind}: ${content.title}`);
  say(`proposer  ${proposer.address}`);
  say(`content   ${contentHash}`);
  say(`          ${path}`);
  say(`sent      ${transactionHash} (gas ${gasUsed})`);
  await reportProposal(network, proposalId, say);
}

async function draftOf(env: ScriptEnv): Promise<DraftedProposal> {
  const { NOTARIUM_PROPOSAL: path, NOTARIUM_REBASE: rebase } = env;
  if (path === undefined || path === '') {
    throw new NotariumError('config-invalid', 'NOTARIUM_PROPOSAL must name the file of a proposal');
  }
  const draft = readProposalDraft(await readSmallFile(path, { maxBytes: 2 * maxContentBytes }));
  return rebase === 'true' ? { ...draft, rebase: true } : draft;
}

async function headOf(
  network: GovernanceNetwork,
  resourceSet: string,
): Promise<{ version: number; configuration: Json }> {
  const { governance, crypto } = network;
  const setId = resourceSetId(resourceSet, crypto);
  const { head } = await governance.resourceHeads(setId);
  if (head === 0) return { version: 0, configuration: {} };
  const { configurationHash } = await governance.resourceVersion(setId, head);
  const { configuration } = readConfiguration(await findContent(network, configurationHash), crypto);
  return { version: head, configuration };
}

await runScript(import.meta.url, propose);
