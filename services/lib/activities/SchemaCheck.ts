import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import type { ActivityTerms } from '../../core/activities/message.ts';
import { pointerOf } from '../../core/activities/pointer.ts';
import { hexDigits } from '../../core/bytes.ts';
import { canonicalBytes, canonicalText } from '../../core/canonicalJson.ts';
import { type Crypto, portableCrypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { LinearPattern } from './LinearPattern.ts';
import { costKeyword, maxSchemaBytes, size, withCosts } from './schemaBounds.ts';
import { checkReach } from './schemaReach.ts';

/** A JSON Schema (draft 2020-12). */
type Schema = NonNullable<ActivityTerms['schema']>;

/** Most work of one validation, about a second: 4 MiB of body take a tenth of it by a schema without tricks. */
const maxWork = 20_000_000;
/** Most steps of all patterns of a schema. */
const maxPatternSteps = 20_000;
/** Compiled schemas that are kept. */
const maxKept = 64;
/** Problems that an error names. */
const maxProblems = 8;

/** What it costs to compare a value with all others, as against the other checks. */
const uniqueCost = 16;

const tooMuchWork = new Error('the body takes too much work by this schema');

/**
 * Checks bodies by JSON Schemas (draft 2020-12) that other members have written, and that are therefore bounded: in size, depth and
 * number of parts, and how far references lead; nothing is fetched; patterns are tested in linear time; and the work of each validation is counted, so that the same
 * body is refused by all members alike, however fast their machines are. `format` says something to readers only, as the draft has it.
 */
export class SchemaCheck {
  readonly #compiled: LRUCache<string, ValidateFunction>;
  readonly #sha256: Crypto['sha256'];
  readonly #forms = new Ajv2020({ logger: false, validateFormats: false });
  #work = 0;

  constructor(options: { readonly sha256?: Crypto['sha256']; readonly keep?: number } = {}) {
    this.#sha256 = options.sha256 ?? portableCrypto.sha256;
    this.#compiled = new LRUCache({ max: options.keep ?? maxKept });
  }

  /**
   * @throws NotariumError `activity-body-invalid` with the first problems, each with its place (RFC 6901), in `data.problems`;
   *   `activity-schema-invalid`.
   */
  checkBody(schema: Schema, body: unknown): void {
    const validate = this.#validator(schema);
    this.#work = 0;
    let isValid: unknown;
    try {
      isValid = validate(body);
    } catch (cause) {
      if (cause !== tooMuchWork) throw cause;
      throw new NotariumError('activity-body-invalid', tooMuchWork.message, { cause });
    }
    if (isValid) return;
    const problems = problemsOf(validate.errors ?? []);
    // What the error says must not be kept with the validator.
    validate.errors = null;
    const [first] = problems;
    throw new NotariumError('activity-body-invalid', `${first?.path || 'the body'} ${first?.problem}`, {
      data: { problems },
    });
  }

  #validator(schema: Schema): ValidateFunction {
    const bytes = canonicalBytes(schema);
    if (bytes.length > maxSchemaBytes) {
      throw new NotariumError('activity-schema-invalid', 'it is too large', {
        data: { have: bytes.length, want: maxSchemaBytes },
      });
    }
    const digest = hexDigits(this.#sha256(bytes));
    const known = this.#compiled.get(digest);
    if (known) return known;
    const validate = this.#compile(schema);
    this.#compiled.set(digest, validate);
    return validate;
  }

  #compile(schema: Schema): ValidateFunction {
    const counted = withCosts(schema);
    try {
      if (!this.#forms.validateSchema(schema)) {
        const [first] = problemsOf(this.#forms.errors ?? []);
        throw new Error(`${first?.path} ${first?.problem}`);
      }
      checkReach(schema);
      // One of its own for each: names in one schema are nothing to another one.
      return this.#ajv().compile(counted);
    } catch (cause) {
      // That a stack is full says nothing of the schema: it is bounded so that none gets full by it.
      if (cause instanceof NotariumError || cause instanceof RangeError) throw cause;
      const detail = (cause as Error).message.slice(0, 500).toWellFormed();
      throw new NotariumError('activity-schema-invalid', detail, { cause });
    }
  }

  #ajv(): Ajv2020 {
    const spend = (cost: number): void => {
      this.#work += cost;
      if (this.#work > maxWork) throw tooMuchWork;
    };
    let steps = 0;
    const linear = (pattern: string): LinearPattern => {
      const compiled = new LinearPattern(pattern, spend);
      steps += compiled.steps;
      if (steps > maxPatternSteps) throw new NotariumError('activity-schema-invalid', 'its patterns are too large');
      return compiled;
    };
    const regExp = Object.assign(linear, { code: 'none' });
    const ajv = new Ajv2020({
      strictSchema: true,
      strictNumbers: true,
      strictTypes: false,
      strictTuples: false,
      strictRequired: false,
      allowUnionTypes: true,
      validateFormats: false,
      meta: false,
      validateSchema: false,
      // What is inherited from Object is no property of the body.
      ownProperties: true,
      // A schema that is referred to often would be compiled as often.
      inlineRefs: false,
      logger: false,
      // To optimise takes a time that grows with the square of the schema.
      code: { regExp, optimize: false },
    });
    // Known to Ajv, but not to its strict mode.
    ajv.addVocabulary(['$anchor']);
    ajv.addKeyword({
      keyword: costKeyword,
      schemaType: 'number',
      errors: false,
      validate: (cost: number, data: unknown) => {
        spend(cost + widthOf(data));
        return true;
      },
    });
    // The one of Ajv compares each item with each.
    ajv.removeKeyword('uniqueItems').addKeyword({
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      error: { message: 'must NOT have duplicate items' },
      validate: (isAsked: boolean, items: readonly unknown[]) => {
        if (!isAsked) return true;
        spend(uniqueCost * size(items));
        return new Set(items.map(canonicalText)).size === items.length;
      },
    });
    return ajv;
  }
}

/** What the keywords of one schema have to look at, at most. */
function widthOf(data: unknown): number {
  if (typeof data === 'string') return data.length >> 4;
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? 8 * Object.keys(data).length : 1;
}

function problemsOf(errors: readonly ErrorObject[]): { readonly path: string; readonly problem: string }[] {
  const texts = new Map<string, { path: string; problem: string }>();
  for (const { instancePath, keyword, params, message = keyword } of errors) {
    const { additionalProperty, unevaluatedProperty } = params as Record<string, unknown>;
    const name = additionalProperty ?? unevaluatedProperty;
    const step = typeof name === 'string' ? pointerOf([name]) : '';
    const path = `${instancePath}${step}`.slice(0, 256).toWellFormed();
    const problem = message.slice(0, 256).toWellFormed();
    texts.set(`${path} ${problem}`, { path, problem });
    if (texts.size >= maxProblems) break;
  }
  return [...texts.values()];
}
