import { type Hash, toHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { contentPath } from '../../core/governance/completeDraft.ts';
import { maxConfigurationBytes } from '../../core/governance/configuration.ts';
import { boundedBody } from '../boundedBody.ts';
import type { CentreHttp } from './CentreHttp.ts';
import type { CallOptions } from './Connection.ts';

/**
 * A content of a proposal or a configuration by its hash, checked against it: whoever gives it need not be trusted.
 * @throws NotariumError `not-found`, `content-unavailable`, `server-answer-invalid` (other bytes, or too many).
 */
export async function getContent(
  http: CentreHttp,
  hash: Hash,
  crypto: Pick<Crypto, 'sha256'>,
  { signal }: CallOptions = {},
): Promise<Uint8Array> {
  const path = contentPath(hash);
  const response = await http.send({ path, signal });
  let bytes: Uint8Array | undefined;
  try {
    bytes = await boundedBody(response, maxConfigurationBytes);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new NotariumError('server-unreachable', http.url, { cause, data: { url: http.url } });
  }
  if (bytes === undefined) {
    throw new NotariumError('server-answer-invalid', `${path} has more than ${maxConfigurationBytes} bytes`);
  }
  const have = toHex(crypto.sha256(bytes));
  if (have !== hash) {
    throw new NotariumError('server-answer-invalid', `${path} has other bytes`, { data: { have, want: hash } });
  }
  return bytes;
}
