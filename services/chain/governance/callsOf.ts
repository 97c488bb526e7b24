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
      return content.effect.steps.map(admissionCall);
    case 'suspension':
      return content.effect.accounts.map((account) => registryInterface.encodeFunctionData('suspend', [account]));
    case 'removal':
      return removalCalls(content.effect);
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

function admissionCall(step: ContentOf<'admission'>['effect']['steps'][number]): string {
  switch (step.do) {
    case 'enroll':
      return registryInterface.encodeFunctionData('enroll', [step.node]);
    case 'activate':
      return registryInterface.encodeFunctionData('activate', [step.account]);
    case 'admit':
      return registryInterface.encodeFunctionData('admit', [step.account, step.application]);
    case 'rotate':
      return registryInterface.encodeFunctionData('rotate', [step.account, step.node]);
    case 'update':
      return registryInterface.encodeFunctionData('update', [step.node]);
  }
}

function removalCalls({ accounts = [], ban = [], unban = [] }: ContentOf<'removal'>['effect']): string[] {
  return [
    ...accounts.map((account) => registryInterface.encodeFunctionData('remove', [account])),
    ...ban.map((account) => registryInterface.encodeFunctionData('ban', [account])),
    ...unban.map((account) => registryInterface.encodeFunctionData('unban', [account])),
  ];
}

function parameterCalls({ rules = [], weights, admission }: ContentOf<'parameter'>['effect']): string[] {
  const calls = rules.map(({ kind, rule }) =>
    governorInterface.encodeFunctionData('setRule', [
      proposalKinds.indexOf(kind),
      { ...rule, aggregation: aggregations.indexOf(rule.aggregation) },
    ]),
  );
  if (weights) calls.push(governorInterface.encodeFunctionData('setWeights', [weights]));
  if (admission) calls.push(governorInterface.encodeFunctionData('setAdmissionRules', [admission]));
  return calls;
}
