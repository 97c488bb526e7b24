import { z } from 'zod';
import { parseNetworkName } from './eip712.ts';

/** Name of a network: `eip155:<chain id>:<contract>`. */
export const networkNameSchema = z
  .string()
  .refine((name) => parseNetworkName(name) !== undefined, 'not eip155:<chain id>:<contract>');
