import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import type { Run } from '../Run.ts';

/** Option values of commands on one channel. */
export type ChannelFlags = { readonly channel?: string };

/**
 * The channel that a command is about: `--channel`, also by how its id begins, or the only one that there is.
 * @throws NotariumError `channel-unknown`, `usage-invalid`.
 */
export async function pickChannel(run: Run<ChannelFlags>): Promise<Hash> {
  const { channel: asked } = run.options;
  if (asked !== undefined && !/^0x[0-9a-fA-F]{6,64}$/.test(asked))
    throw new NotariumError('usage-invalid', '--channel is the id of a channel, or how it begins (6 digits or more)');
  const known = await run.actions.channels.known(run);
  const start = asked?.toLowerCase() ?? '';
  const named = known.filter(({ channelId }) => channelId.startsWith(start));
  const opened = named.filter(({ isOpened }) => isOpened);
  // One whose opening was interrupted is meant only where there is no other.
  const fitting = opened.length > 0 ? opened : named;
  if (fitting.length === 1) return fitting[0]!.channelId;
  if (fitting.length > 1) {
    throw new NotariumError('usage-invalid', `there are ${fitting.length} such channels: name one by --channel`, {
      data: { channels: fitting.map(({ channelId }) => channelId) },
    });
  }
  const whole = hashSchema.safeParse(start);
  throw new NotariumError('channel-unknown', known.length === 0 ? 'none was opened from this data folder' : undefined, {
    data: whole.success ? { channelId: whole.data } : {},
  });
}
