// SPDX-License-Identifier: Apache-2.0
// Pieces of Markdown for job summaries. Every foreign text that goes in is escaped and bounded, so that nothing breaks out of its place.
import { escapeMarkdown, stripControl } from '@pratique/core';

/** Running text; what is longer than `limit` characters (default 600) is cut. */
export function prose(text: string, limit = 600): string {
  return escapeMarkdown(clip(text, limit));
}

/** Text in code letters; what is longer than `limit` characters (default 300) is cut. Fits into a cell. */
export function code(text: string, limit = 300): string {
  return `<code>${escapeMarkdown(clip(text, limit))}</code>`;
}

/** A digest for narrow places: its first 12 hex digits. */
export function shortDigest(digest: string): string {
  return code(digest.replace(/^(\w+:\w{12}).*$/s, '$1'));
}

/** `text` (Markdown already) as a link where `url` is a plain https address, else without. */
export function link(text: string, url: string | undefined): string {
  const address = url !== undefined && url.length <= 500 && URL.canParse(url) ? new URL(url) : undefined;
  if (address?.protocol !== 'https:' || address.username !== '') return text;
  return `<a href="${address.href.replace(/["'<>|`\\&]/g, (sign) => (sign === '&' ? '&amp;' : encodeURIComponent(sign)))}">${text}</a>`;
}

/** A table of cells that are Markdown already; nothing without rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return rows.length === 0 ? [] : [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}

/** Lines behind a title that opens them; nothing without lines. `title` is Markdown already. */
export function folded(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['<details>', `<summary>${title}</summary>`, '', ...lines, ...(lines.at(-1) === '' ? [] : ['']), '</details>', ''];
}

/** Lines as they are, with GitHub's button to copy them. The fence is longer than any in the text, so that the text cannot close it. */
export function fence(lines: readonly string[], language = 'text'): string[] {
  const clean = lines.flatMap((line) => stripControl(line).split('\n'));
  const longest = Math.max(2, ...clean.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const mark = '`'.repeat(longest + 1);
  return [`${mark}${language}`, ...clean, mark, ''];
}

/** `1 platform`, `2 platforms`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}
