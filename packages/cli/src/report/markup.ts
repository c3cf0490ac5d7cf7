// SPDX-License-Identifier: Apache-2.0
// HTML in which every value is escaped unless it is markup that was made here; and the few shapes that all sections share.
import { escapeHtml, formatSigner, type SignerIdentity } from '@pratique/core';

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
export type Look = 'good' | 'bad' | 'warn' | 'dim' | 'critical' | 'high' | 'medium' | 'low';

const signs: Readonly<Record<Look, string>> = { good: '✓', bad: '✗', warn: '!', dim: '·', critical: '▲', high: '▲', medium: '■', low: '▼' };

/** A word that stands out. */
export function badge(look: Look, text: string): Markup {
  return html`<span class="badge ${look}"><span aria-hidden="true">${signs[look]}</span> ${text}</span>`;
}

/** A digest: shortened by the style where it is narrow, copied and printed whole. */
export function digest(value: string): Markup {
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

/** `3 hours`, in the largest unit that leaves at least two of it. */
export function span(from: Date, to: Date): string {
  const minutes = Math.max(0, Math.round(Math.abs(to.getTime() - from.getTime()) / 60_000));
  return minutes < 120 ? plural(minutes, 'minute') : minutes < 2880 ? plural(Math.round(minutes / 60), 'hour') : plural(Math.round(minutes / 1440), 'day');
}

/** A number with its noun. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** How long ago; less than two minutes are now. */
export function ago(then: Date, now: Date): string {
  return Math.abs(now.getTime() - then.getTime()) < 120_000 ? 'just now' : `${span(then, now)} ago`;
}

/** A link when the address is one that a browser may open, else its text. */
export function link(address: string, text = address): Markup {
  const safe = address.length <= 2000 && URL.canParse(address) && new URL(address).protocol === 'https:';
  return safe ? html`<a href="${address}" rel="noopener noreferrer">${clip(text)}</a>` : html`${clip(text)}`;
}

/** Who signed, by everything that the certificate says. */
export function signer(identity: SignerIdentity): Markup {
  const extensions: Readonly<Record<string, string>> = identity.kind === 'keyless' ? identity.extensions : {};
  const said: readonly (readonly [string, string | undefined])[] = [
    [identity.kind === 'keyless' ? 'identity' : 'key', formatSigner(identity)], ['issuer', identity.kind === 'keyless' ? identity.issuer : undefined], ['repository', extensions['sourceRepository']],
    ['ref', extensions['sourceRef']], ['event', extensions['event']], ['runner', extensions['runnerEnvironment']],
  ];
  return facts(said.flatMap(([name, value]): (readonly [string, Part])[] => (value === undefined || value === '' ? [] : [[name, clip(value)]])));
}

/** A table that becomes a list of cards on narrow screens; roles keep it a table for screen readers there. */
export function table(options: { readonly caption: string; readonly heads: readonly string[]; readonly bodies: readonly Markup[]; readonly id?: string }): Markup {
  const heads = options.heads.map((one) => html`<th role="columnheader" scope="col">${one}</th>`);
  return html`<table role="table" ${options.id === undefined ? undefined : html`id="${options.id}"`}><caption>${options.caption}</caption><thead role="rowgroup"><tr role="row">${heads}</tr></thead>${options.bodies}</table>`;
}

/** Rows of a table. */
export function body(rows: readonly Markup[]): Markup {
  return html`<tbody role="rowgroup">${rows}</tbody>`;
}

/** One row; its first cell is its head. `heads` name the cells on narrow screens. */
export function row(heads: readonly string[], cells: readonly Markup[], attributes?: Markup): Markup {
  const inner = cells.map((cell, index) => (index === 0
    ? html`<th role="rowheader" scope="row" data-head="${heads[index]}"><div>${cell}</div></th>`
    : html`<td role="cell" data-head="${heads[index]}"><div>${cell}</div></td>`));
  return html`<tr role="row" ${attributes}>${inner}</tr>`;
}

/** A part of the page with its heading. */
export function section(id: string, title: string, content: Part): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

/** Names and values. */
export function facts(pairs: readonly (readonly [string, Part])[]): Markup {
  return html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
