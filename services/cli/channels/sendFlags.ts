import type { ChannelFlags } from './pickChannel.ts';

/** Option values of `notarium channel send`. */
export type SendFlags = ChannelFlags & {
  readonly out?: string;
  readonly parallel?: string;
  readonly filesFrom?: string;
  readonly null?: boolean;
};
