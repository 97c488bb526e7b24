import { z } from 'zod';
import type { ChannelTerms } from '../../chain/channels/ChannelChain.ts';
import type { Address } from '../../core/bytes.ts';
import { amountSchema } from '../../core/channels/amount.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema, uintSchema } from '../../core/schemas.ts';
import type { VerifierTermsAnswer } from '../../lib/client/channels/HttpVerifier.ts';
import { pricesSchema } from './agreed.ts';

/** What of a verifier's terms a requester goes by. */
const termsSchema = z.object({
  prices: pricesSchema,
  safetySeconds: uintSchema,
  billSeconds: uintSchema,
  challengeSeconds: z.object({ least: uintSchema, most: uintSchema }),
  tokens: z.array(addressSchema),
  leastDeposit: amountSchema,
});

/** See {@link termsSchema}. */
export type Terms = z.output<typeof termsSchema>;

/** @throws NotariumError `server-answer-invalid`. */
export function readTerms(answer: VerifierTermsAnswer): Terms {
  const terms = termsSchema.safeParse(answer);
  if (!terms.success) throw new NotariumError('server-answer-invalid', 'the terms of the verifier cannot be read');
  return terms.data;
}

/**
 * Refuses beforehand what the verifier would not take once the deposit is paid.
 * @throws NotariumError `channel-invalid`.
 */
export function checkTerms(
  { tokens, leastDeposit, challengeSeconds: { least, most } }: Terms,
  { token, amount, challengeSeconds }: Pick<ChannelTerms, 'token' | 'amount' | 'challengeSeconds'>,
): void {
  const refuse = (detail: string, have: Address | string | number, want: unknown): NotariumError =>
    new NotariumError('channel-invalid', detail, { data: { have, want } });
  if (!tokens.includes(token)) throw refuse('the verifier does not take this token', token, tokens);
  if (amount < leastDeposit) throw refuse('the verifier asks for a greater deposit', `${amount}`, `${leastDeposit}`);
  if (challengeSeconds < least || challengeSeconds > most)
    throw refuse(`the verifier takes challenge periods of ${least} to ${most} s`, challengeSeconds, { least, most });
}
