// SPDX-License-Identifier: Apache-2.0
// A job summary for a terminal: the Markdown that steps write, as plain text with aligned tables.

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: ' ', '#64': '@', '#46': '.' };

/** `markdown` as people read it: no marks, no escapes; tables aligned, code indented. */
export function summaryText(markdown: string): string {
  const lines: string[] = [];
  const rows = markdown.trimEnd().split('\n');
  for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
    const fence = /^(`{3,})/.exec(row)?.[1];
    if (fence !== undefined) {
      lines.push(...take(rows, (one) => one !== fence).map((one) => `    ${one}`));
      rows.shift();
    } else if (row.startsWith('| ')) lines.push(...align([row, ...take(rows, (one) => one.startsWith('| '))]));
    else if (!/^<\/?details>$/.test(row)) lines.push(inline(row.replace(/^#+ |^> /, '')));
  }
  return lines.filter((line, index) => line !== '' || lines[index - 1] !== '').join('\n').trimEnd();
}

function take(rows: string[], belongs: (row: string) => boolean): string[] {
  const end = rows.findIndex((row) => !belongs(row));
  return rows.splice(0, end < 0 ? rows.length : end);
}

/** One line without markup. Escapes are undone last, so that what they protect is never taken for markup. */
function inline(text: string): string {
  return text.replace(/<br>(<sub>)?/g, (_, small: string | undefined) => (small ? ' (' : ', ')).replaceAll('</sub>', ')').replace(/<[^>]*>/g, '').replace(/(?<!\\)\*\*/g, '')
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole).replace(/\\([!-/:-@[-`{-~])/g, '$1');
}

function align(table: readonly string[]): string[] {
  const cells = table.filter((row) => !row.startsWith('| ---')).map((row) => row.slice(2, -2).split(' | ').map(inline));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).filter((line) => line !== '');
}
