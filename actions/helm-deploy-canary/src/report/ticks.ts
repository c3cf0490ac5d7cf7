// SPDX-License-Identifier: Apache-2.0
// Round figures along the axes of a plot, and durations in words.
import type { Tick } from './plot.ts';

const timeSteps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
const mostColumns = 5;

/** Times from 0 to `seconds`, at most six. */
export function timeTicks(seconds: number): Tick[] {
  const step = timeSteps.find((one) => seconds / one <= mostColumns) ?? seconds;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => ({ at: index * step, text: index === 0 ? '0' : formatSeconds(index * step) }));
}

/** `45 s`, `2 min 30 s`, `1 h 5 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = [[hours, 'h'], [minutes, 'min'], [rest, 's']] as const;
  return parts.filter(([count]) => count > 0).slice(0, 2).map(([count, unit]) => `${count} ${unit}`).join(' ') || '0 s';
}

/** The top of an axis of shares on which `most` (0 to 1) has its place, and the levels of it; the lowest needs no words. */
export function shareAxis(most: number): { readonly top: number; readonly rows: readonly Tick[] } {
  const wanted = Math.min(1, Math.max(most, 0.001));
  const magnitude = 10 ** Math.floor(Math.log10(wanted));
  const top = Math.min(1, ([1, 2, 5, 10].find((one) => wanted <= one * magnitude * 1.0001) ?? 10) * magnitude);
  return { top, rows: [0, top / 2, top].map((at) => ({ at, text: at === 0 ? '' : `${Number((100 * at).toPrecision(3))} %` })) };
}
