import { type Credential, credentialSchema, signCredential } from '../../../core/activities/credential.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { randomHash } from '../../../lib/randomHash.ts';
import type { ActivityCaller, CredentialView } from '../ActivityDesk.ts';
import type { ActivityHost } from '../ActivityHost.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { credentialsOf, findCredential } from '../findCredential.ts';

/** See `ActivityDesk.issueCredential`. */
export async function issueCredential(
  { store, network, signer }: Pick<ActivityHost, 'store' | 'network' | 'signer'>,
  by: ActivityCaller,
  device: { readonly device: Address; readonly name: string; readonly notBefore: number; readonly expires: number },
): Promise<Credential> {
  const { device: address, name, notBefore, expires } = device;
  const asked = { id: randomHash(), device: address, name, notBefore, expires };
  const form = credentialSchema.omit({ operator: true, signature: true }).safeParse(asked);
  if (!form.success) throw new NotariumError('request-invalid', form.error.issues[0]!.message);
  if (expires < notBefore) throw new NotariumError('request-invalid', 'it expires before it begins to hold');
  const credential = await signCredential(network, form.data, signer);
  await store.saveCredential({
    id: credential.id,
    text: JSON.stringify(credential),
    device: address,
    ...(by.client === undefined ? {} : { owner: by.client }),
  });
  return credential;
}

/** See `ActivityDesk.credentials`. */
export async function credentials(
  { store, damage }: Pick<ActivityParts, 'store' | 'damage'>,
  by: ActivityCaller,
): Promise<CredentialView[]> {
  const all = await Array.fromAsync(credentialsOf(store, by));
  return all.flatMap(({ id, text, revokedMs }) => {
    if (text === undefined) {
      const row = `activity_credentials/${id}`;
      damage.told(new NotariumError('activity-store-corrupt', row, { data: { row } }));
      return [];
    }
    const revoked = revokedMs === undefined ? {} : { revokedAt: new Date(revokedMs).toISOString() };
    return [{ ...credentialSchema.parse(JSON.parse(text)), ...revoked }];
  });
}

/** See `ActivityDesk.revokeCredential`. */
export async function revokeCredential(
  { store, clock }: Pick<ActivityHost, 'store' | 'clock'>,
  by: ActivityCaller,
  id: Hash,
): Promise<boolean> {
  if (!(await findCredential(store, by, id))) return false;
  return await store.revokeCredential(id, clock.nowMs());
}
