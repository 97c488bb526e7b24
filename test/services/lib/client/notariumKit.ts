import { Notarium, type NotariumOptions } from '../../../../services/index.ts';
import { BetweenServers } from '../../../support/betweenServers.ts';
import { type HttpTest, startHttpTest, stopHttpTests, testSigner } from '../../../support/httpTest.ts';

/** For tries that follow one another at once. */
export const quick = { tries: 4, firstDelayMs: 5, maxDelayMs: 20 };

/** A record to be signed. */
export const draft = { subject: 'urn:test', digest: `sha-256:${'12'.repeat(32)}` };

/** A centre's HTTP API for each test, with a client of it; to be called in a `describe`. */
export function freshCentre() {
  let http: HttpTest;
  const servers = new BetweenServers();
  beforeEach(async () => {
    http = await startHttpTest();
  });
  afterEach(async () => {
    servers.close();
    await stopHttpTests();
  });
  return {
    get http(): HttpTest {
      return http;
    },
    open: (more: Partial<NotariumOptions> = {}): Notarium =>
      new Notarium({ url: http.url, signer: testSigner, backOff: quick, ...more }),
    /** URL of a server between the client and the centre. */
    between: (answer: Parameters<BetweenServers['open']>[1]): Promise<string> => servers.open(http.url, answer),
  };
}
