// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { ago, span } from './age.ts';

test.each([
  [0, 'just now', '0 minutes'], [119, 'just now', '2 minutes'], [3600, '60 minutes ago', '60 minutes'], [7200, '2 hours ago', '2 hours'], [86_400, '24 hours ago', '24 hours'], [10 * 86_400, '10 days ago', '10 days'],
])('%s seconds', (seconds, before, length) => {
  const now = new Date('2026-11-21T12:00:00Z');
  const then = new Date(now.getTime() - seconds * 1000);
  expect([ago(then, now), span(then, now)]).toEqual([before, length]);
});
