import { z } from 'zod';
import { type ErrorCode, errorTable } from '../../core/errors.ts';

const codes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

/** RFC 9457 problem document. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Where docs/errors.md explains the code' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(codes).meta({ description: 'Stable code: never renamed, never reused' }),
    detail: z.string().optional(),
    retry: z.boolean().meta({ description: 'Whether the same request may succeed later' }),
    data: z.record(z.string(), z.unknown()).optional(),
    requestId: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'Problem document by RFC 9457' });
