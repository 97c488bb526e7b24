import type { z } from 'zod';
import { NotariumError } from '../../core/errors.ts';
import { boundedBody } from '../../lib/boundedBody.ts';
import { checkAnswer } from '../../lib/client/CentreHttp.ts';
import { parseProblem } from '../../lib/client/problem.ts';

/** The greatest answer: a report with all of its texts, and an attestation. */
const maxAnswerBytes = 256 * 1024;
/** Checking an answer takes an authenticator some of the work again. */
const timeoutMs = 120_000;

/** One request to an authenticator. */
export type AuthenticatorRequest<T> = {
  /** Base URL of the authenticator. */
  readonly url: string;
  /** Path below it. */
  readonly path: string;
  /** Posted as JSON; a GET without it. */
  readonly body?: object;
  readonly schema: z.ZodType<T>;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Asks an authenticator once, and checks the form of its answer: who it is is known by what it signs alone.
 * @throws NotariumError the code and data of its problem; `server-unreachable`; `server-answer-invalid`, also for what is too large;
 *   the signal's reason.
 */
export async function askAuthenticator<T>({ url, path, body, schema, signal }: AuthenticatorRequest<T>): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let bytes: Uint8Array | undefined;
  try {
    response = await fetch(`${url}${path}`, {
      headers: { accept: 'application/json, application/problem+json', 'content-type': 'application/json' },
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    bytes = await boundedBody(response, maxAnswerBytes);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new NotariumError('server-unreachable', url, { cause, data: { url } });
  }
  if (bytes === undefined)
    throw new NotariumError('server-answer-invalid', `${url}${path}: more than ${maxAnswerBytes} bytes`);
  const value = parseJson(bytes);
  if (!response.ok) throw named(url, parseProblem(value, response.status).error);
  return checkAnswer(schema, value, `${url}${path}`);
}

// Some other server, of several that were named: its own words do not say which.
function named(url: string, error: NotariumError): NotariumError {
  if (error.code !== 'server-answer-invalid') return error;
  return new NotariumError(error.code, `${url}: ${error.detail}`, { data: { ...error.data, url }, cause: error });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // A proxy's page, say: no answer that any schema takes.
    return undefined;
  }
}

/** Whether it is an http or https URL without user and password. */
export function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/**
 * Base URL of an authenticator as somebody has typed it.
 * @throws NotariumError `usage-invalid`.
 */
export function authenticatorUrl(text: string): string {
  if (!isWebUrl(text)) {
    throw new NotariumError(
      'usage-invalid',
      `"${text.slice(0, 256)}" is no http:// or https:// address of an authenticator`,
    );
  }
  return new URL(text).href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}
