/** Outcome of one check; `mend` says what to do. */
export type Check = {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly detail: string;
  readonly mend?: string;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** A check that went well. */
export function ok(name: string, detail: string, data?: Check['data']): Check {
  return { name, status: 'ok', detail, ...(data ? { data } : {}) };
}

/** A check that was not made. */
export function skipped(name: string, detail: string): Check {
  return { name, status: 'skipped', detail };
}

/** A check that found something: `warn` for what works all the same. */
export function found(
  status: 'warn' | 'fail',
  name: string,
  detail: string,
  mend: string,
  data?: Check['data'],
): Check {
  return { name, status, detail, mend, ...(data ? { data } : {}) };
}
