import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { hashSchema } from '../../core/schemas.ts';
import type { KnownChannel } from '../CliActions.ts';
import type { Run } from '../Run.ts';

/** Option values of commands on one channel. */
export type ChannelFlags = { readonly channel?: string };

/**
 * The channel that a command is about: `--channel`, also by how its id begins, the only one that is not settled, or the only one that there is.
 * @throws NotariumError `channel-unknown`, `usage-invalid`.
 */
export async function pickChannel(run: Run<ChannelFlags>): Promise<Hash> {
  const { channel: asked } = run.options;
  if (asked !== undefined && !/^0x[0-9a-fA-F]{6,64}$/.test(asked))
    throw new NotariumError('usage-invalid', '--channel is the id of a channel, or how it begins (6 digits or more)');
  const known = await run.actions.channels.known(run);
  const start = asked?.toLowerCase() ?? '';
  const named = known.filter(({ channelId }) => channelId.startsWith(start));
  // Those that can be worked with come first.
  const running = named.filter(({ isOpened, isSettled }) => isOpened && !isSettled);
  const opened = named.filter(({ isOpened }) => isOpened);
  const fitting = [asked === undefined ? running : [], opened, named].find((some) => some.length > 0) ?? [];
  if (fitting.length === 1) return fitting[0]!.channelId;
  if (fitting.length > 1) {
    throw new NotariumError('usage-invalid', `there are ${fitting.length} such channels: give ${choicesOf(fitting)}`, {
      data: { channels: fitting.map(({ channelId }) => channelId) },
    });
  }
  const whole = hashSchema.safeParse(start);
  throw new NotariumError('channel-unknown', known.length === 0 ? 'none was opened from this data folder' : undefined, {
    data: whole.success ? { channelId: whole.data } : {},
  });
}

const listed = 4;

function choicesOf(channels: readonly KnownChannel[]): string {
  const flags = channels.slice(0, listed).map(({ channelId }) => `--channel ${channelId.slice(0, 10)}`);
  return `${flags.join(' or ')}${channels.length > listed ? ' or …' : ''}`;
}
