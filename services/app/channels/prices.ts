/** What a verifier asks for evidence, in the smallest unit of the channel's token. */
export type AgreedPrices = { readonly perItem: bigint; readonly perMebibyte: bigint };

const mebibyte = 1n << 20n;

/** Most that a bill may ask for by prices that were agreed on: by items and by bytes that are sent, rounded up. */
export function mostFor({ perItem, perMebibyte }: AgreedPrices, count: number, sizeBytes: number): bigint {
  return perItem * BigInt(count) + (perMebibyte * BigInt(sizeBytes) + mebibyte - 1n) / mebibyte;
}
