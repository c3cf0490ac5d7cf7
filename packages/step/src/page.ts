// SPDX-License-Identifier: Apache-2.0
// A report as one HTML file: nothing is loaded, and its security policy lets in only the style and the script that it names by their hashes.
import { createHash } from 'node:crypto';
import { html, type Markup } from './markup.ts';
import { pageStyle } from './page-style.ts';

/** What a page is made of. */
export interface HtmlPage {
  readonly title: string;
  /** Everything between the body tags. */
  readonly body: Markup;
  /** Rules behind those that all reports share. Never foreign text. */
  readonly style?: string;
  /** Never foreign text. Without it no script may run. */
  readonly script?: string;
}

const hash = (part: string): string => `'sha256-${createHash('sha256').update(part).digest('base64')}'`;

/** The whole file. */
export function htmlPage({ title, body, style: own = '', script }: HtmlPage): string {
  const style = `${pageStyle}${own}`;
  const scripts = script === undefined ? '' : ` script-src ${hash(script)};`;
  const policy = `default-src 'none'; style-src ${hash(style)};${scripts} base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">
<title>${title}</title><style>${{ markup: style }}</style></head>
<body>${body}
${script === undefined ? undefined : html`<script>${{ markup: script }}</script>`}</body></html>
`.markup;
}
