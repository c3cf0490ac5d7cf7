// SPDX-License-Identifier: Apache-2.0
// HTML for reports, in which every value is escaped unless it is markup that was made here; and the few shapes that all sections share.
import { escapeHtml } from '@pratique/core';

/** A piece of HTML. `html` makes it; by hand only for what holds no foreign text. */
export interface Markup {
  readonly markup: string;
}

/** What can stand in a template: text is escaped, nothing is left out. */
export type Part = string | number | undefined | Markup | readonly Markup[];

/** A template whose values end as text, in elements and in quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: strings.map((piece, index) => piece + toMarkup(parts[index])).join('') };
}

function toMarkup(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'markup' in part ? part.markup : part.map((one) => one.markup).join('');
}

/** How something looks. Colour never says it alone: every badge has a word and a sign. */
export type BadgeLook = 'good' | 'bad' | 'warn' | 'dim' | 'critical' | 'high' | 'medium' | 'low';

const signs: Readonly<Record<BadgeLook, string>> = { good: '✓', bad: '✗', warn: '!', dim: '·', critical: '▲', high: '▲', medium: '■', low: '▼' };

/** A word that stands out. */
export function badge(look: BadgeLook, text: string): Markup {
  return html`<span class="badge ${look}"><span aria-hidden="true">${signs[look]}</span> ${text}</span>`;
}

/** A digest: shortened by the style where it is narrow, copied and printed whole. */
export function htmlDigest(value: string): Markup {
  return html`<code class="digest" title="${value}">${value}</code>`;
}

/** At most `most` characters of foreign text; what is left out is said. */
export function clip(text: string, most = 400): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

/** To the minute, in UTC. */
export function instant(value: Date): Markup {
  const whole = Number.isNaN(value.getTime()) ? '' : value.toISOString();
  return html`<time datetime="${whole}" title="${whole}">${whole === '' ? 'unknown' : `${whole.slice(0, 16).replace('T', ' ')} UTC`}</time>`;
}

/** A number with its noun. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A link when the address is one that a browser may open, else its text. */
export function htmlLink(address: string, text = address): Markup {
  const safe = address.length <= 2000 && URL.canParse(address) && new URL(address).protocol === 'https:';
  return safe ? html`<a href="${address}" rel="noopener noreferrer">${clip(text)}</a>` : html`${clip(text)}`;
}

/** A table that becomes a list of cards on narrow screens; roles keep it a table for screen readers there. */
export function htmlTable(options: { readonly caption: string; readonly heads: readonly string[]; readonly bodies: readonly Markup[]; readonly id?: string }): Markup {
  const heads = options.heads.map((one) => html`<th role="columnheader" scope="col">${one}</th>`);
  return html`<table role="table" ${options.id === undefined ? undefined : html`id="${options.id}"`}><caption>${options.caption}</caption><thead role="rowgroup"><tr role="row">${heads}</tr></thead>${options.bodies}</table>`;
}

/** Rows of a table. */
export function htmlRows(rows: readonly Markup[]): Markup {
  return html`<tbody role="rowgroup">${rows}</tbody>`;
}

/** One row; its first cell is its head. `heads` name the cells on narrow screens. */
export function htmlRow(heads: readonly string[], cells: readonly Markup[], attributes?: Markup): Markup {
  const inner = cells.map((cell, index) => (index === 0
    ? html`<th role="rowheader" scope="row" data-head="${heads[index]}"><div>${cell}</div></th>`
    : html`<td role="cell" data-head="${heads[index]}"><div>${cell}</div></td>`));
  return html`<tr role="row" ${attributes}>${inner}</tr>`;
}

/** A part of the page with its heading. */
export function htmlSection(id: string, title: string, content: Part): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

/** Names and values. */
export function htmlFacts(pairs: readonly (readonly [string, Part])[]): Markup {
  return html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const icons: Readonly<Record<'good' | 'bad' | 'warn', string>> = { good: 'M5 12.5l4.5 4.5L19 7.5', bad: 'M6.5 6.5l11 11M17.5 6.5l-11 11', warn: 'M12 5.5v8.5M12 18v.4' };

/** The strip at the top that nobody can overlook. */
export function htmlHeadline(look: keyof typeof icons, title: Part, words: Part): Markup {
  return html`<div class="headline ${look}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${icons[look]}"></path></svg>
<div><p class="standing" id="standing">${title}</p><p>${words}</p></div></div>`;
}

/** One of the few figures below the headline; the title leads to the part that tells more. */
export function htmlTile(id: string, title: string, { content, note }: { readonly content: Markup; readonly note: string }): Markup {
  return html`<li><a href="#${id}">${title}</a><div>${content}</div><p>${note}</p></li>`;
}
