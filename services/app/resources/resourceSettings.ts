import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { resourceSetSchema } from '../../core/governance/proposalContent.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';
import type { Adapter } from './adapters/Adapter.ts';
import { commandAdapter } from './adapters/command.ts';
import { fileAdapter } from './adapters/file.ts';
import { httpAdapter } from './adapters/http.ts';
import { checkTargets, defaultFile, type ResourceTarget } from './resourceTargets.ts';

/** How one resource set is kept right on this machine. */
export type ResourceSetting = {
  readonly adapter: Adapter;
  /** Time from one look at what is really there to the next. */
  readonly checkMs: number;
  /** Whether what has drifted is written again. */
  readonly repair: boolean;
};

/** The setting of a resource set, by its name. */
export type ResourceSettings = (resourceSet: string) => ResourceSetting;

const defaultCheckSeconds = 60;

const variableSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'not the name of an environment variable');
const headerNameSchema = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'not a name of a header');
const headerValueSchema = z.string().regex(/^[\t\x20-\x7e]{0,4096}$/, 'not a value of a header');

const common = {
  checkSeconds: z.number().min(0.1).max(86_400).default(defaultCheckSeconds),
  repair: z.boolean().default(false),
};
const timeout = { timeoutSeconds: z.number().min(0.1).max(3_600).default(10) };

const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
};

const settingSchema = z.discriminatedUnion('adapter', [
  z.strictObject({ adapter: z.literal('file'), path: z.string().min(1).optional(), ...common }),
  z.strictObject({
    adapter: z.literal('http'),
    url: z.string().refine(isHttpUrl, 'not an http or https URL without a password in it'),
    headers: z.record(headerNameSchema, headerValueSchema).default({}),
    /** Headers whose values stand in environment variables. */
    secretHeaders: z.record(headerNameSchema, variableSchema).default({}),
    ...timeout,
    ...common,
  }),
  z.strictObject({
    adapter: z.literal('command'),
    command: z.tuple([z.string().min(1)], z.string()),
    /** Environment variables that it gets beside PATH, HOME, LANG and TZ. */
    environment: z.array(variableSchema).default([]),
    ...timeout,
    ...common,
  }),
]);

const settingsSchema = z.record(resourceSetSchema, settingSchema);

/** Where settings come from. */
export type ResourceSettingsSource = {
  /** The settings file; without it every set is a file in the data folder. */
  readonly path?: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * Reads how each resource set is kept. A set that is not named is the file `<data>/resources/<set>.json`. Relative paths start
 * from the folder of the settings file.
 * @throws NotariumError `config-invalid`, naming file and field, and where two sets are kept in one place both of them.
 */
export async function readResourceSettings(source: ResourceSettingsSource): Promise<ResourceSettings> {
  const { path, dataDir } = source;
  const settings = new Map<string, ResourceSetting>();
  if (path !== undefined) {
    const given = Object.entries(await readSettingsFile(path));
    for (const [name, each] of given) settings.set(name, settingOf(name, each, { ...source, path }));
    const targets = given.flatMap(([name, each]) => {
      const target = targetOf(name, each, { ...source, path });
      return target ? [[name, target] as const] : [];
    });
    await checkTargets(new Map(targets), { path, dataDir });
  }
  const byDefault = (name: string): ResourceSetting => ({
    adapter: fileAdapter({ path: defaultFile(dataDir, name) }),
    checkMs: 1000 * defaultCheckSeconds,
    repair: false,
  });
  return (name) => {
    const setting = settings.get(name) ?? byDefault(name);
    settings.set(name, setting);
    return setting;
  };
}

async function readSettingsFile(path: string): Promise<z.infer<typeof settingsSchema>> {
  let value: unknown;
  try {
    value = parseStrictJson(await readSmallFile(path, { maxBytes: 1 << 20 }));
  } catch (cause) {
    if (!isNotariumError(cause)) throw cause;
    throw new NotariumError('config-invalid', `${path}: ${cause.message}`, { data: { source: path }, cause });
  }
  const parsed = settingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const steps = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  const field = steps.map((step) => String(step).slice(0, 64).toWellFormed()).join('.');
  throw new NotariumError('config-invalid', `${path}: ${field || 'file'}: ${issue.message.slice(0, 200)}`, {
    data: { source: path, field },
  });
}

type Places = Pick<ResourceSettingsSource, 'dataDir'> & { readonly path: string };

function fileOf(name: string, given: { readonly path?: string | undefined }, { path, dataDir }: Places): string {
  return given.path === undefined ? defaultFile(dataDir, name) : resolve(dirname(path), given.path);
}

function targetOf(name: string, given: z.infer<typeof settingSchema>, places: Places): ResourceTarget | undefined {
  switch (given.adapter) {
    case 'file':
      return { kind: 'file', path: fileOf(name, given, places) };
    case 'http':
      return { kind: 'http', url: given.url };
    case 'command':
      return undefined;
  }
}

function settingOf(
  name: string,
  given: z.infer<typeof settingSchema>,
  { path, dataDir, env }: ResourceSettingsSource & { readonly path: string },
): ResourceSetting {
  const folder = dirname(path);
  return { adapter: adapterOf(), checkMs: 1000 * given.checkSeconds, repair: given.repair };

  function adapterOf(): Adapter {
    switch (given.adapter) {
      case 'file':
        return fileAdapter({ path: fileOf(name, given, { path, dataDir }) });
      case 'http': {
        const secrets = Object.entries(given.secretHeaders).map(([header, variable]) => [
          header,
          headerFromEnv(variable),
        ]);
        return httpAdapter({
          url: given.url,
          headers: { ...given.headers, ...Object.fromEntries(secrets) },
          timeoutMs: 1000 * given.timeoutSeconds,
        });
      }
      case 'command': {
        const usual = ['PATH', 'HOME', 'LANG', 'TZ'].filter((variable) => env[variable] !== undefined);
        // Not our own environment: it may hold the password of the keystore.
        const environment = Object.fromEntries(
          [...usual, ...given.environment].map((variable) => [variable, fromEnv(variable)]),
        );
        return commandAdapter({ command: given.command, folder, environment, timeoutMs: 1000 * given.timeoutSeconds });
      }
    }
  }

  function headerFromEnv(variable: string): string {
    const value = fromEnv(variable);
    // Refused here: an error of fetch would show it.
    if (headerValueSchema.safeParse(value).success) return value;
    throw new NotariumError('config-invalid', `${path}: ${name}: ${variable} does not hold the value of a header`, {
      data: { source: path, field: name },
    });
  }

  function fromEnv(variable: string): string {
    const value = env[variable];
    if (value !== undefined) return value;
    throw new NotariumError('config-invalid', `${path}: ${name}: the environment variable ${variable} is not set`, {
      data: { source: path, field: name },
    });
  }
}
