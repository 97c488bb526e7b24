import { NotariumError } from './errors.ts';

/** A value, or why there is none. */
export type Attempt<T> = { readonly value: T } | { readonly error: NotariumError };

/** Runs something that may refuse; anything but a NotariumError goes through. */
export function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof NotariumError) return { error };
    throw error;
  }
}
