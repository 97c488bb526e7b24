import { shellWord } from '../shellWord.ts';

/** Options by which a command is told its centre; a key is none of them, so that it is not shown. */
const placeOptions = ['url', 'data', 'network', 'networks'] as const;

/** The command that goes on from this one, as it can be pasted: it asks the same centre. */
export function nextCommand({ options }: { readonly options: object }, command: string): string {
  const given = options as Readonly<Record<string, unknown>>;
  const place = placeOptions.flatMap((name) => {
    const value = given[name];
    return typeof value === 'string' ? [`--${name} ${shellWord(value)}`] : [];
  });
  return ['notarium', command, ...place].join(' ');
}
