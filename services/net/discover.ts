import { z } from 'zod';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { addressOfMultiaddr } from './identity.ts';

const limitBytes = 16 * 1024;
const timeoutMs = 5_000;
const maxMultiaddrs = 16;

const peerSchema = z.object({
  address: z.string(),
  peerId: z.string(),
  multiaddrs: z.array(z.string().max(512)),
});

/**
 * Asks a centre at its HTTP endpoint where it listens: `GET <endpoint>/v1/peer`. Whoever answers there can only name
 * places of the expected centre, since each multiaddr has to carry the peer id of its key.
 * @returns at least one multiaddr, 16 at most.
 * @throws NotariumError `peer-unreachable`, `peer-timeout`, `peer-answer-invalid`; the reason of the signal.
 */
export async function lookUpPeer(endpoint: string, address: Address, signal: AbortSignal): Promise<string[]> {
  const data = { peer: address, endpoint };
  const timeout = AbortSignal.timeout(timeoutMs);
  const invalid = (detail: string): NotariumError => new NotariumError('peer-answer-invalid', detail, { data });
  let text: string;
  try {
    const url = `${endpoint.replace(/\/+$/, '')}/v1/peer`;
    // A redirect would let one centre send all others to any place of their own networks.
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.any([signal, timeout]) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new NotariumError('peer-unreachable', `HTTP ${response.status}`, { data });
    }
    text = await shortText(response, invalid);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof NotariumError) throw cause;
    if (timeout.aborted) throw new NotariumError('peer-timeout', `${timeoutMs} ms`, { data, cause });
    throw new NotariumError('peer-unreachable', cause instanceof Error ? cause.message : undefined, { data, cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('not JSON');
  }
  const parsed = peerSchema.safeParse(json);
  if (!parsed.success) throw invalid('not the description of a peer');
  if (parsed.data.address !== address) throw invalid('another centre answers there');
  const own = parsed.data.multiaddrs.slice(0, maxMultiaddrs).filter((text) => addressOfMultiaddr(text) === address);
  if (own.length === 0) throw invalid('no multiaddr with the peer id of the centre');
  return own;
}

async function shortText(response: Response, invalid: (detail: string) => NotariumError): Promise<string> {
  const decoder = new TextDecoder();
  let sizeBytes = 0;
  let text = '';
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    // Leaving the loop cancels the body.
    if (sizeBytes > limitBytes) throw invalid(`more than ${limitBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
