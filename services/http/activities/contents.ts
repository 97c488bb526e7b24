import { z } from 'zod';
import type { Contents } from '../../app/activities/ActivityDesk.ts';
import {
  attachmentSchema,
  attachmentsSchema,
  bodySchema,
  deviceBodySchema,
  maxAttachments,
} from '../../core/activities/contents.ts';
import type { DeviceStatement } from '../../core/activities/deviceStatement.ts';
import { jsonSchema } from '../../core/governance/json.ts';
import { hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';

/** A file of a message, as the upload has answered it. */
export const attachmentDoc = attachmentSchema.meta({
  id: 'ActivityAttachment',
  description: 'A file beside a message, with the key that opens it. Digests are SHA-256',
});

const bodyDoc = bodySchema.meta({ id: 'ActivityBody', description: 'As one piece, or field by field (SD-JWT)' });

const attachmentsDoc = attachmentsSchema.extend({ list: z.array(attachmentDoc).max(maxAttachments) });

/** What a message holds, in answers. */
export const contentsDocs = { body: bodyDoc, attachments: attachmentsDoc };

const deviceStatement = z
  .strictObject({
    credential: hashSchema.meta({ description: 'Id of its credential' }),
    body: deviceBodySchema.meta({
      id: 'DeviceBody',
      description: 'As one piece, or field by field: `packed` has salted digests in the place of fields',
    }),
    attachments: attachmentsDoc,
    time: uintSchema.meta({ description: 'When the device has said so, by its own clock: Unix seconds' }),
    signature: hexSchema(64, 65).meta({ description: 'EIP-712 `DeviceStatement`, by the key of the device' }),
  })
  .meta({ id: 'DeviceStatement', description: 'What a device has made and signed without this node' });

/** The part of a request that says what a message says. */
export const contentsShape = {
  body: jsonSchema.optional().meta({ description: 'Any JSON, as the schema of the activity wants it' }),
  fields: z
    .union([z.literal(true), z.array(z.string().min(1).max(1024)).min(1).max(4096)])
    .optional()
    .meta({
      description:
        'Notarises the body as salted digests of its fields, so that each can be shown without the others: of all of them (`true`), or of those named by JSON Pointers or dotted paths and of what stands beside these, each as one',
    }),
  attachments: z.array(attachmentDoc).max(maxAttachments).optional(),
  device: deviceStatement.optional(),
};

type Asked = {
  readonly body?: unknown;
  readonly fields?: true | readonly string[] | undefined;
  readonly attachments?: readonly z.infer<typeof attachmentSchema>[] | undefined;
  readonly device?: z.infer<typeof deviceStatement> | undefined;
};

/** Either a body, with files or without, or what a device has made of both. */
export const hasOneContent = ({ body, fields, attachments, device }: Asked): boolean =>
  device === undefined ? body !== undefined : [body, fields, attachments].every((part) => part === undefined);

/** What is wrong where {@link hasOneContent} is not so. */
export const oneContent = 'either body, with attachments or without, or device';

/** Contents as the desk takes them. */
export function contentsOf({ body, fields, attachments, device }: Asked): Contents {
  // What came as strict JSON is such JSON as a message may hold.
  if (device) return { device: device as DeviceStatement };
  return { body, ...(fields === undefined ? {} : { fields }), ...(attachments === undefined ? {} : { attachments }) };
}
