import type { CliActions } from '../cli/CliActions.ts';
import type { Terminal } from '../cli/Terminal.ts';

/** {@link CliActions} whose modules (store, chain, network, HTTP) are read when one is called: half of the time of a command that needs none. */
export function lazyActions(terminal: Terminal): CliActions {
  const load = async (): Promise<CliActions> => (await import('./actions.ts')).cliActions(terminal);
  return {
    runNode: async (context) => (await import('./runNode.ts')).runNode(context, terminal),
    runVerifier: async (context, options) => (await import('./verifier.ts')).runVerifier(context, options, terminal),
    channels: {
      open: async (context, options) => (await import('./channels.ts')).openChannelByAction(context, options),
      known: async (context) => (await import('./channels.ts')).knownChannels(context),
      use: async (context, options, work) => (await import('./channels.ts')).useChannel(context, options, work),
      content: async (context, options) => (await import('./channels.ts')).channelContent(context, options),
    },
    runWatchtower: async (context) => (await import('./watchtower.ts')).runWatchtower(context, terminal),
    rebuild: async (context, options) => (await load()).rebuild(context, options),
    join: async (context, options) => (await import('./join.ts')).joinByAction(context, options),
    joinStatus: async (context, candidate) => (await import('./join.ts')).joinStatusByAction(context, candidate),
    keys: {
      create: async (context, name, scopes) => (await load()).keys.create(context, name, scopes),
      list: async (context) => (await load()).keys.list(context),
      revoke: async (context, id) => (await load()).keys.revoke(context, id),
    },
    readEvidence: async ({ settings }) => (await import('./readEvidence.ts')).readEvidence(settings),
    exportData: async (context, file) => (await load()).exportData(context, file),
    importData: async (context, file) => (await load()).importData(context, file),
  };
}
