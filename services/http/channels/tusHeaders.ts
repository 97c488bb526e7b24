import { Metadata } from '@tus/server';
import type { Request, Response } from 'express';
import { NotariumError } from '../../core/errors.ts';
import { uploadContentType } from './wholeUpload.ts';

const tusVersion = '1.0.0';

const isLength = (value: string): boolean => /^(0|[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value));

const forms: Readonly<Record<string, (value: string) => boolean>> = {
  'upload-offset': isLength,
  'upload-length': isLength,
  'upload-defer-length': (value) => value === '1',
  'upload-metadata': isMetadata,
};

/**
 * Checks what tus would refuse by plain text.
 * @throws NotariumError `upload-version-unsupported`, `request-media-type-unsupported`, `request-invalid` naming the header.
 */
export function checkTusHeaders({ method, headers }: Request, response: Response): void {
  if (headers['tus-resumable'] !== tusVersion) {
    response.setHeader('tus-version', tusVersion);
    throw new NotariumError('upload-version-unsupported', `Tus-Resumable is not ${tusVersion}`);
  }
  if (method === 'PATCH' && headers['content-type'] !== uploadContentType)
    throw new NotariumError('request-media-type-unsupported', `it must be ${uploadContentType}`);
  for (const [name, isRight] of Object.entries(forms)) {
    const value = headers[name];
    if (value !== undefined && !isRight(String(value)))
      throw new NotariumError('request-invalid', `${name} is not as tus wants it`, { data: { header: name } });
  }
}

function isMetadata(value: string): boolean {
  try {
    Metadata.parse(value);
    return true;
  } catch {
    return false;
  }
}
