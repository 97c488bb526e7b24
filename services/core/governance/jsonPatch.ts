import fastJsonPatch from 'fast-json-patch';
import { z } from 'zod';
import { NotariumError } from '../errors.ts';
import { type Json, jsonSchema } from './json.ts';

/** Operations in one patch. */
const maxOperations = 1_000;
/** Characters of JSON that the copies of one patch may make, all together: each could double the document. */
const maxCopiedCharacters = 4 * 1024 * 1024;

// Names that every object of the library's has without having them: a patch could mean them by mistake only.
const isInherited = (token: string): boolean => token in Object.prototype;

/** JSON Pointer, RFC 6901. */
const pointerSchema = z
  .string()
  .max(1_024)
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'not a JSON Pointer')
  .refine((pointer) => pointer.isWellFormed() && !tokensOf(pointer).some(isInherited), 'a name that is not allowed');

const operation = <Op extends string, Rest extends z.ZodRawShape>(op: Op, rest: Rest) =>
  z.strictObject({ op: z.literal(op), path: pointerSchema, ...rest });

/** A JSON Patch, RFC 6902, bounded. */
export const patchSchema = z
  .array(
    z.discriminatedUnion('op', [
      operation('add', { value: jsonSchema }),
      operation('remove', {}),
      operation('replace', { value: jsonSchema }),
      operation('move', { from: pointerSchema }),
      operation('copy', { from: pointerSchema }),
      operation('test', { value: jsonSchema }),
    ]),
  )
  .min(1)
  .max(maxOperations);

/** See {@link patchSchema}. */
export type JsonPatch = z.infer<typeof patchSchema>;

/**
 * The document that a patch makes of another, which stays as it is.
 * @throws NotariumError `patch-failed` with data.operation, the index of the one that does not apply.
 */
export function applyPatch(document: Json, patch: JsonPatch): Json {
  // The library gives parts of the patch to the result, and changes its argument.
  const copy = structuredClone({ document, patch });
  let result: Json = copy.document;
  let copiedCharacters = 0;
  for (const [index, operation] of copy.patch.entries()) {
    try {
      if (operation.op === 'copy') {
        copiedCharacters += charactersOf(fastJsonPatch.getValueByPointer(result, operation.from));
        if (copiedCharacters > maxCopiedCharacters) throw new CopiesTooLarge();
      }
      result = fastJsonPatch.applyOperation(result, operation as never, true, true, true, index).newDocument;
    } catch (cause) {
      const reason = (cause as { name?: string }).name ?? 'failed';
      const { op, path } = operation;
      throw new NotariumError('patch-failed', `operation ${index} (${op} ${path || 'the whole'}): ${reason}`, {
        data: { operation: index, reason },
        cause,
      });
    }
  }
  return result;
}

class CopiesTooLarge extends Error {
  override readonly name = 'COPIES_TOO_LARGE';
}

// Of what is not there, nothing: the operation itself says so.
function charactersOf(value: Json | undefined): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

/** The unescaped parts of a pointer. */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A pointer to a member of what another points to. */
export function pointerTo(parent: string, token: string | number): string {
  return `${parent}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
