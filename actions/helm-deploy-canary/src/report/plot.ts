// SPDX-License-Identifier: Apache-2.0
// A plot as SVG: values in, markup out. It is as wide as its place, while its text keeps its size; colour never tells lines apart alone.
import { html, type Markup } from '@pratique/step';

/** How a line looks; the style of the report has a rule for each. */
export type LineLook = 'canary' | 'baseline' | 'stable' | 'alarm' | 'promote';

/** One line. Points in ascending `x`; what is not finite is left out. */
export interface PlotLine {
  readonly name: string;
  readonly look: LineLook;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** `steps`: each `y` held since the point before. `dots`: not joined, as single readings. Default: joined. */
  readonly drawn?: 'steps' | 'dots';
}

/** What is plotted. Both axes begin at 0. */
export interface Plot {
  readonly title: string;
  /** For those who cannot see it. */
  readonly description: string;
  readonly lines: readonly PlotLine[];
  /** Levels that mean something, drawn across. */
  readonly levels?: readonly { readonly y: number; readonly text: string; readonly look: LineLook }[];
  readonly right: number;
  readonly top: number;
  /** Texts along the axes. */
  readonly columns: readonly Tick[];
  readonly rows: readonly Tick[];
}

export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** The plot with its legend. */
export function plot(given: Plot): Markup {
  const { title, description, lines, levels = [] } = given;
  const drawn = lines.filter(({ points }) => points.some(isFinitePoint));
  const legend = drawn.filter(({ drawn: way }) => way !== 'dots').map(({ name, look }) => html`<li><span class="key ${look}" aria-hidden="true"></span>${name}</li>`);
  return html`<figure class="plot"><figcaption>${title}</figcaption><ul class="legend">${legend}</ul>
<svg class="frame" role="img" aria-label="${`${title}. ${description}`}"><svg class="area" x="0" y="8" width="100%" height="150">
${given.rows.map(({ at }) => across('grid', shareUp(given, at)))}
<svg class="area" width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none">${drawn.map((line) => path(given, line))}</svg>
${given.rows.map(({ at, text }) => html`<text class="tick" x="0" y="${percent(shareUp(given, at))}" dy="14">${text}</text>`)}${given.columns.map(({ at, text }) => column((100 * at) / given.right, text))}
${levels.map(({ y, text, look }) => level(shareUp(given, y), text, look))}</svg></svg></figure>`;
}

/** From above, in percent. */
function shareUp({ top }: Plot, y: number): number {
  return 100 * (1 - Math.min(1, Math.max(0, y / top)));
}

const percent = (value: number): string => `${Number(value.toFixed(2))}%`;

function across(look: string, y: number): Markup {
  return html`<line class="${look}" x1="0" x2="100%" y1="${percent(y)}" y2="${percent(y)}"></line>`;
}

function column(x: number, text: string): Markup {
  const anchor = x < 3 ? 'start' : x > 97 ? 'end' : 'middle';
  return html`<text class="tick" x="${percent(x)}" y="100%" dy="17" text-anchor="${anchor}">${text}</text>`;
}

function level(y: number, text: string, look: LineLook): Markup {
  return html`${across(`level ${look}`, y)}<text class="level ${look}" x="0" y="${percent(y)}" dy="-5">${text}</text>`;
}

const isFinitePoint = ({ x, y }: { readonly x: number; readonly y: number }): boolean => Number.isFinite(x) && Number.isFinite(y);

function path({ right, top }: Plot, { points, look, drawn }: PlotLine): Markup {
  const places = points.filter(isFinitePoint).map(({ x, y }) => ({ x: place(x / right), y: place(1 - y / top) }));
  // A line of no length with round ends is a dot, whatever the plot is stretched to.
  if (drawn === 'dots') return html`<path class="dots ${look}" d="${places.map(({ x, y }) => `M${x} ${y}h0`).join('')}"></path>`;
  const [first, ...rest] = places;
  const start = first === undefined ? '' : drawn === 'steps' ? `M0 ${first.y}H${first.x}` : `M${first.x} ${first.y}`;
  return html`<path class="line ${look}" d="${start}${rest.map(({ x, y }) => (drawn === 'steps' ? `V${y}H${x}` : `L${x} ${y}`)).join('')}"></path>`;
}

/** Thousandths of the area, kept inside it. */
function place(share: number): number {
  return Math.round(1000 * Math.min(1, Math.max(0, share)));
}
