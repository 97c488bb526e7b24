import fastJsonPatch from 'fast-json-patch';
import { z } from 'zod';
import { NotariumError } from '../errors.ts';
import { type Json, jsonSchema } from './json.ts';

/** Operations in one patch. */
const maxOperations = 1_000;
/** Most that the `copy` operations of one patch may copy, in characters of JSON: each can double the document. */
const maxCopiedChars = 2 * 1024 * 1024;

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
  let copiedChars = 0;
  for (const [index, operation] of copy.patch.entries()) {
    try {
      const parent = operation.path.slice(0, Math.max(0, operation.path.lastIndexOf('/')));
      if (operation.path !== '') checkIndex(valueAt(result, parent), tokensOf(operation.path).at(-1)!);
      if ('from' in operation) {
        const { op, path, from } = operation;
        const taken = valueAt(result, from);
        // The library makes a circle of it.
        if (op === 'move' && path.startsWith(`${from}/`)) throw new Refused('OPERATION_PATH_CANNOT_ADD');
        if (op === 'copy') copiedChars += JSON.stringify(taken).length;
        if (copiedChars > maxCopiedChars) throw new Refused('TOO_MUCH_COPIED');
      }
      result = applied(result, operation, index);
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

// The library looks whether `from` is there in a copy of the whole document, and copies what stands where something is moved to:
// a thousand small operations on a large document would take many seconds. `valueAt` has looked already.
function applied(document: Json, operation: JsonPatch[number], index: number): Json {
  const { op, path } = operation;
  if (op === 'copy') return run(operation, walk);
  if (op !== 'move') return run(operation, true);
  if (path === '') return run(operation, walk);
  run({ op: '_get', path }, walk);
  const value = fastJsonPatch.applyOperation(document, { op: 'remove', path: operation.from }).removed;
  return run({ op: 'add', path, value }, false);

  function run(step: object, validates: boolean | (() => void)): Json {
    return fastJsonPatch.applyOperation(document, step as never, validates, true, true, index).newDocument;
  }
}

/** Lets the library check the path on its way, and nothing else. */
function walk(): void {}

// An Error whose name tells the reason, as those of the library do.
class Refused extends Error {
  constructor(name: string) {
    super(name);
    this.name = name;
  }
}

/** What a pointer leads to. The library takes the length of a list, or nothing at all, for a value. */
function valueAt(document: Json, pointer: string): Json {
  let at = document;
  for (const token of tokensOf(pointer)) {
    checkIndex(at, token);
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) {
      throw new Refused('OPERATION_PATH_UNRESOLVABLE');
    }
    at = (at as { readonly [name: string]: Json })[token]!;
  }
  return at;
}

/** RFC 6901: no leading zeros in the index of a list. */
function checkIndex(parent: Json, token: string): void {
  if (Array.isArray(parent) && !/^(?:-|0|[1-9][0-9]*)$/.test(token)) {
    throw new Refused('OPERATION_PATH_ILLEGAL_ARRAY_INDEX');
  }
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
