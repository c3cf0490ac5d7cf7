// SPDX-License-Identifier: Apache-2.0
// How long something takes or is ago, in words.
import { plural } from '@pratique/step';

/** `3 hours`, in the largest unit that leaves at least two of it. */
export function span(from: Date, to: Date): string {
  const minutes = Math.max(0, Math.round(Math.abs(to.getTime() - from.getTime()) / 60_000));
  return minutes < 120 ? plural(minutes, 'minute') : minutes < 2880 ? plural(Math.round(minutes / 60), 'hour') : plural(Math.round(minutes / 1440), 'day');
}

/** How long ago; less than two minutes are now. */
export function ago(then: Date, now: Date): string {
  return Math.abs(now.getTime() - then.getTime()) < 120_000 ? 'just now' : `${span(then, now)} ago`;
}
