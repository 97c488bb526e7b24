/** Whether parsed JSON says that it has this format. */
export function saysFormat(value: unknown, format: string): boolean {
  return typeof value === 'object' && value !== null && (value as { format?: unknown }).format === format;
}
