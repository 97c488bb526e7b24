import type { NodeRegistry } from '../../../types/ethers-contracts/index.ts';
import { type Hex, toHex } from '../../core/bytes.ts';
import type { Verifier } from '../../core/governance/signing.ts';
import type { Admission } from '../Admission.ts';
import type { ErrorCodes } from '../callErrors.ts';
import type { Guards } from '../Guards.ts';
import { registryInterface } from '../interfaces.ts';
import type { CallOptions, MinedCall } from '../SentTransaction.ts';
import { type ChangeSource, sendCall } from '../sendCall.ts';
import { codesOf } from './codesOf.ts';
import { admissionNode, admissionRules } from './readAdmission.ts';

/** What admission needs of a chain; `nodes` is the registry, for view calls. */
export type AdmissionSource = ChangeSource & { readonly registry: Verifier; readonly nodes: NodeRegistry };

/** See {@link Admission}. */
export function admissionOf(source: AdmissionSource, { read, change }: Guards): Admission {
  const { registry, nodes } = source;
  const send = (name: string, data: Hex, codes: ErrorCodes, options?: CallOptions): Promise<MinedCall> =>
    change(() => sendCall(source, { name, to: registry.contract, key: data, data: () => data, codes }, options));
  return {
    registry,
    rules: () => read(() => admissionRules(nodes)),
    node: (address) => read(() => admissionNode(nodes, address)),
    applyFor: async (application, signatures, options) => {
      const data = registryInterface.encodeFunctionData('applyFor', [application, toHex(signatures)]) as Hex;
      return send('application', data, codesOf.applyFor, options);
    },
    publish: async (entry, application, options) => {
      const data = registryInterface.encodeFunctionData('publish', [entry, application]) as Hex;
      return send('publication of an application', data, codesOf.publish, options);
    },
  };
}
