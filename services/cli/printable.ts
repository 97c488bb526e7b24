/** Text of others, such as file names and answers, may hold escape sequences that a terminal obeys: these are spelled out. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
