const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of others, such as file names and answers, may hold escape sequences that a terminal obeys: these are spelled out. */
export function printable(text: string): string {
  return text.replace(control, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** The same for JSON text, which keeps its meaning: JSON.stringify leaves DEL, C1 (0x9b starts a sequence too) and bidi as they are. */
export function printableJson(json: string): string {
  const spelled = (char: string): string =>
    Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
  return json.replace(control, (char) => (char === '\n' ? char : spelled(char)));
}
