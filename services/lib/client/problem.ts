import { type ErrorCode, errorTable, NotariumError } from '../../core/errors.ts';

/** What a failed answer says, with whether the same request may succeed later. */
export type ServerProblem = { readonly error: NotariumError; readonly retry: boolean };

/**
 * The error that a problem document (RFC 9457) stands for. A code that this client does not know, from a newer centre,
 * becomes `server-answer-invalid` and keeps the centre's own word on whether to retry.
 */
export function parseProblem(value: unknown, status: number): ServerProblem {
  const problem = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const code = problem.code;
  const data = {
    ...(typeof problem.data === 'object' && problem.data !== null ? problem.data : {}),
    ...(typeof problem.requestId === 'string' ? { requestId: problem.requestId } : {}),
  };
  if (typeof code === 'string' && isErrorCode(code)) {
    const error = new NotariumError(code, detailOf(code, problem.detail), { data });
    return { error, retry: typeof problem.retry === 'boolean' ? problem.retry : errorTable[code].retry };
  }
  const text = typeof code === 'string' ? `${code.slice(0, 64)} (HTTP ${status})` : `HTTP ${status}`;
  const retry = typeof problem.retry === 'boolean' ? problem.retry : status === 429 || status >= 502;
  return { error: new NotariumError('server-answer-invalid', text, { data: { ...data, status, retry } }), retry };
}

/** Whether the same request may succeed later, by an error of {@link parseProblem}. */
export function mayPass({ code, data }: NotariumError): boolean {
  return errorTable[code].retry || data.retry === true;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

// The centre's detail already begins with the title, which NotariumError puts in front again.
function detailOf(code: ErrorCode, detail: unknown): string | undefined {
  if (typeof detail !== 'string' || detail === '') return undefined;
  const { title } = errorTable[code];
  if (detail === title) return undefined;
  return detail.startsWith(`${title}: `) ? detail.slice(title.length + 2) : detail;
}
