import type { Hex } from '../../core/bytes.ts';
import { resourceSetId } from '../../core/governance/configuration.ts';
import { aggregations, proposalKinds } from '../../core/governance/names.ts';
import type { ContentOf, ProposalContent } from '../../core/governance/proposalContent.ts';
import { governorInterface, registryInterface, resourcesInterface } from '../interfaces.ts';

/** See Governance.callsOf. */
export function callsOf(content: ProposalContent): Hex[] {
  return encoded(content) as Hex[];
}

function encoded(content: ProposalContent): string[] {
  switch (content.kind) {
    case 'admission':
      return content.effect.steps.map((step) =>
        step.do === 'activate'
          ? registryInterface.encodeFunctionData('activate', [step.account])
          : step.do === 'enroll'
            ? registryInterface.encodeFunctionData('enroll', [step.node])
            : registryInterface.encodeFunctionData('update', [step.node]),
      );
    case 'suspension':
      return content.effect.accounts.map((account) => registryInterface.encodeFunctionData('suspend', [account]));
    case 'removal':
      return content.effect.accounts.map((account) => registryInterface.encodeFunctionData('remove', [account]));
    case 'authenticator':
      return content.effect.changes.map(({ account, isAllowed }) =>
        registryInterface.encodeFunctionData('setAuthenticator', [account, isAllowed]),
      );
    case 'parameter':
      return parameterCalls(content.effect);
    case 'resource': {
      const { resourceSet, base, configurationHash, uri } = content.effect;
      const args = [resourceSetId(resourceSet), base, configurationHash, uri] as const;
      return [resourcesInterface.encodeFunctionData('addVersion', [...args])];
    }
    case 'general':
      return [];
  }
}

function parameterCalls({ rules = [], weights }: ContentOf<'parameter'>['effect']): string[] {
  const calls = rules.map(({ kind, rule }) =>
    governorInterface.encodeFunctionData('setRule', [
      proposalKinds.indexOf(kind),
      { ...rule, aggregation: aggregations.indexOf(rule.aggregation) },
    ]),
  );
  return weights ? [...calls, governorInterface.encodeFunctionData('setWeights', [weights])] : calls;
}
