import type { ComponentLogger, Logger } from '@libp2p/interface';

const nothing = (): void => {};

/** What libp2p has to tell is for its own developers; it would make a logger of its own for each stream, though nobody reads it. */
const log: Logger = Object.assign(() => {}, { error: nothing, trace: nothing, enabled: false, newScope: () => log });

/** Says nothing. */
export const noLog: ComponentLogger = { forComponent: () => log };
