/** What the canary imports against the rules. */
export const nowMs = (): number => Date.now();
