import { NotariumError } from '../../core/errors.ts';
import { statusAnswerSchema } from '../../lib/client/answers.ts';
import { onceOnly } from '../../lib/client/backOff.ts';
import { CentreHttp } from '../../lib/client/CentreHttp.ts';
import { type Check, found, ok, skipped } from './Check.ts';

/** The centre at the URL: whether it answers, and what it says about itself. A centre need not run for a doctor. */
export async function checkCentre(
  url: string,
  apiKey: string | undefined,
  asked: boolean,
  signal: AbortSignal,
): Promise<Check> {
  const http = new CentreHttp({ url, apiKey, timeoutMs: 5_000, backOff: onceOnly });
  try {
    const { ready, problems, version, log } = await http.json({ path: '/v1/status', signal }, statusAnswerSchema);
    const detail = `${http.url}: version ${version}, ${log.size} entries`;
    if (ready) return ok('centre', detail, { answered: true });
    const why = problems.map(({ code, detail: text }) => `${code} (${text})`).join(', ');
    return found(
      'fail',
      'centre',
      `${detail}, not ready: ${why}`,
      'Mend what it names; `notarium status` shows more.',
      {
        answered: true,
      },
    );
  } catch (error) {
    if (!(error instanceof NotariumError)) throw error;
    if (error.code === 'server-unreachable' && !asked) return skipped('centre', `none answers at ${http.url}`);
    return found('fail', 'centre', `${error.code}: ${error.message}`, 'Check --url, and that the centre runs.');
  }
}
