import { z } from 'zod';
import type { ErrorCode } from '../../core/errors.ts';
import { hashSchema, hexSchema } from '../../core/schemas.ts';
import type { Described } from '../Route.ts';
import { channelParams } from './schemas.ts';
import { uploadContentType } from './wholeUpload.ts';

const path = '/v1/channels/{id}/uploads';
const onePath = `${path}/{upload}`;
const oneParams = z.strictObject({ id: hashSchema, upload: z.string().regex(/^[0-9a-f]{32}$/) });

const version = z.literal('1.0.0').meta({ description: 'Version of tus' });
const bytes = (description: string) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]*)$/)
    .meta({ description });
const offset = bytes('Bytes that the verifier has');
const expires = z
  .string()
  .optional()
  .meta({ description: 'Until when an upload that is not complete stays: RFC 9110 date' });
const key = hexSchema(32).optional().meta({ description: 'Content key, for content that is to be stored encrypted' });
const metadata = z.string().meta({ description: 'What is declared of it: digest, kind and more (docs/protocol.md)' });

const tus = { 'Tus-Resumable': version };
const keyed = { ...tus, 'Evidence-Key': key };
const body = { content: { [uploadContentType]: { schema: z.string().meta({ override: { format: 'binary' } }) } } };
const taking: readonly ErrorCode[] = [
  'upload-invalid',
  'evidence-mismatch',
  'request-too-large',
  'storage-full',
  'upload-conflict',
];
const common = { access: 'channel', tag: 'channels' } as const;
const options = {
  ...({ method: 'options', access: 'public', tag: 'channels', unlimited: true, errors: [] } as const),
  summary: 'What of tus is served',
  responses: {
    204: {
      description: 'Version and extensions',
      headers: z.object({
        ...tus,
        'Tus-Version': version,
        'Tus-Extension': z.string(),
        'Tus-Max-Size': bytes('Largest upload'),
      }),
    },
  },
} satisfies Partial<Described>;

/** The routes of `mountUploads`, which tus serves, as the OpenAPI document has them. */
export const uploadDocs: readonly Described[] = [
  { ...options, path, params: channelParams },
  {
    ...{ ...common, method: 'post', path, params: channelParams },
    summary: 'Begin an upload, also with content',
    description:
      'tus 1.0 (https://tus.io/protocols/resumable-upload), extensions creation and creation-with-upload: with the media type of tus, the body is the beginning of the content, or all of it.',
    headers: z.object({
      ...keyed,
      'Upload-Length': bytes('Size of the content'),
      'Upload-Metadata': metadata,
    }),
    requestBody: body,
    responses: {
      201: {
        description: 'It has begun',
        headers: z.object({
          ...{ ...tus, Location: z.string().meta({ description: 'Path of the upload' }) },
          ...{ 'Upload-Offset': offset.optional(), 'Upload-Expires': expires },
        }),
      },
    },
    errors: [...taking, 'upload-version-unsupported', 'uploads-full', 'request-timeout'],
  },
  { ...options, path: onePath, params: oneParams },
  {
    ...{ ...common, method: 'head', path: onePath, params: oneParams },
    summary: 'How much of an upload has arrived',
    description: 'An error has no body here: the status alone tells.',
    headers: z.object(keyed),
    responses: {
      200: {
        description: 'Its offset and length',
        headers: z.object({
          ...{ ...tus, 'Upload-Offset': offset, 'Upload-Length': bytes('Size of the content') },
          ...{ 'Upload-Metadata': metadata, 'Upload-Expires': expires },
        }),
      },
    },
    errors: ['upload-unknown', 'upload-version-unsupported'],
  },
  {
    ...{ ...common, method: 'patch', path: onePath, params: oneParams },
    summary: 'Go on with an upload',
    headers: z.object({ ...keyed, 'Upload-Offset': offset }),
    requestBody: { required: true, ...body },
    responses: {
      204: {
        description: 'The bytes are on the disk',
        headers: z.object({ ...tus, 'Upload-Offset': offset, 'Upload-Expires': expires }),
      },
    },
    errors: [...taking, 'upload-version-unsupported', 'upload-unknown', 'request-media-type-unsupported'],
  },
  {
    ...{ ...common, method: 'delete', path: onePath, params: oneParams },
    summary: 'Give an upload up',
    headers: z.object(tus),
    responses: { 204: { description: 'It is gone', headers: z.object(tus) } },
    errors: ['upload-unknown', 'upload-conflict', 'upload-version-unsupported'],
  },
];
