import type { TrustOutcome } from '../lib/client/Trust.ts';
import type { Output } from './Output.ts';

/** Says what the trust in a network rests on, where that is news. */
export function trustNote(output: Output, { trusted, status, untrustedEpochs, path }: TrustOutcome): void {
  if (status === 'pinned') {
    output.note(
      `Trust on first use: ${trusted.network} was not known, so the centre's own word on its committees is kept${path ? ` in ${path}` : ''}.`,
      '  Compare that file with what the consortium publishes, or give --network FILE from a source that you trust.',
    );
  }
  if (status === 'extended') output.note(`New committee epochs were added to ${path ?? 'the trusted network'}.`);
  if (untrustedEpochs.length > 0) {
    output.warn(
      `the centre tells of committee epochs that are not trusted yet: ${untrustedEpochs.join(', ')}. ` +
        'Compare them with another source, then run `notarium status --trust-new-epochs`.',
    );
  }
}
