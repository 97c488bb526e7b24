import { NotariumError } from '../core/errors.ts';

/**
 * A setting that a command cannot do without.
 * @throws NotariumError `config-invalid`.
 */
export function required<T>(value: T | undefined, name: string, flag: string): T {
  if (value === undefined) throw new NotariumError('config-invalid', `${name} is needed: give ${flag}`);
  return value;
}
