import { readFileSync } from 'node:fs';

/*
 * Loaded with `node --import` before a centre: sets its clock wrong by the milliseconds that a file says, while it runs.
 * Only wall-clock time is moved, as on a real machine; timers and the monotonic counter go on.
 */
const file = process.env.TEST_CLOCK_FILE;
if (file === undefined) throw new Error('TEST_CLOCK_FILE is missing');
const rightNow = Date.now.bind(Date);
let shiftMs = 0;
let readAt = 0;

Date.now = () => {
  const now = rightNow();
  if (now - readAt > 20) {
    shiftMs = Number(readFileSync(file, 'utf8'));
    readAt = now;
  }
  return now + shiftMs;
};
