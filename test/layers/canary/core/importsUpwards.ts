// Breaks the layer rules on purpose: the layer check must fail here, or it sees nothing at all.
import { nowMs } from '../lib/clock.ts';

export const stamp = (): number => nowMs();
