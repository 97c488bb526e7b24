import { join } from 'node:path';
import { expect } from 'chai';
import type { JoinOptions } from '../../../services/cli/CliActions.ts';
import { Output } from '../../../services/cli/Output.ts';
import { createKeystore } from '../../../services/lib/keystore.ts';
import { joinByAction } from '../../../services/main/join.ts';
import { expectCode } from '../../support/expectCode.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const password = 'a password for tests';

describe('joinByAction', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    await createKeystore(join(folder.path, 'keystore'), password, { scryptN: 2 });
  });
  after(() => folder?.[Symbol.asyncDispose]());

  const joining = (options: Partial<JoinOptions>) => {
    const silent = { write: () => undefined };
    const output = new Output({ stdout: silent, stderr: silent, env: {} } as never, {});
    const context = {
      settings: { data: folder.path, rpcUrl: 'http://127.0.0.1:9', contract: `0x${'12'.repeat(20)}` },
      signal: new AbortController().signal,
      output,
    };
    return joinByAction(
      context as never,
      {
        ...{ keystore: join(folder.path, 'keystore'), password, manifest: {} as never, onStep: () => undefined },
        ...{ name: 'Centre 5', endpoint: 'https://centre-5.example', ...options },
      } as JoinOptions,
    );
  };

  // The RPC is none: all of this is said before anything is asked of it.
  const slips: Record<string, [Partial<JoinOptions>, string]> = {
    'a blank name': [{ name: '  ' }, '--name'],
    'a name of 65 bytes': [{ name: 'ü'.repeat(33) }, '--name'],
    'an endpoint of 257 bytes': [{ endpoint: `https://x/${'a'.repeat(247)}` }, '--endpoint'],
    'an endpoint with a password': [{ endpoint: 'https://u:p@centre-5.example' }, '--endpoint'],
    'an endpoint that is no URL': [{ endpoint: 'centre-5' }, '--endpoint'],
    'a statement of 4001 bytes': [{ statement: `${'ü'.repeat(2_000)}a` }, '--statement'],
    'an authenticator that is no URL': [{ authenticators: ['centre-1'] }, 'authenticator'],
  };
  for (const [what, [options, named]] of Object.entries(slips)) {
    it(`names ${what} before anything is asked`, async () => {
      const { detail } = await expectCode('usage-invalid', joining(options));
      expect(detail).to.contain(named);
    });
  }

  it('goes on to the chain with what is right', async () => {
    await expectCode('chain-unreachable', joining({ name: 'ü'.repeat(32), statement: 'ü'.repeat(2_000) }));
  });
});
