import { isMet, type Row } from './Row.ts';

const digits = (value: number): string => {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
};

/** The rows as a table of plain text. */
export function table(rows: readonly Row[]): string {
  const lines = [
    ['figure', 'measured', 'target', '', 'beside it, same run', 'ratio'],
    ...rows.map((row) => [
      row.figure,
      `${digits(row.value)} ${row.unit}`,
      targetText(row),
      { true: 'met', false: 'MISSED', undefined: '' }[String(isMet(row))]!,
      row.beside ? `${digits(row.beside.value)} ${row.beside.name}` : '',
      row.beside ? (row.value / row.beside.value).toFixed(2) : '',
    ]),
  ];
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, '-'.repeat(Math.max(...text.map(({ length }) => length))));
  const notes = rows.filter(({ note }) => note !== undefined).map(({ figure, note }) => `  ${figure}: ${note}`);
  return [...text, ...(notes.length > 0 ? ['', 'Notes', ...notes] : [])].join('\n');
}

function targetText({ target }: Row): string {
  if (target?.atLeast !== undefined) return `>= ${digits(target.atLeast)}`;
  return target?.atMost === undefined ? '' : `<= ${digits(target.atMost)}`;
}
