/** Whether no integer in a JSON value is beyond 2^53 - 1: where readers begin to take one for another. */
export function isExactJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isExactJson);
}
