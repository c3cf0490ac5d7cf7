// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hostileTexts, structureOf, withText } from '../../../../test/fixtures/hostile-page.ts';
import type { RunRecord } from '../run-record.ts';
import { deploymentPage } from './page.ts';
import { crashedRun, judgedRun } from './sample-run.fixture.ts';

const bad = judgedRun({ failures: 0.03, slow: 0.06 });
const textOf = (page: string): string => page.replace(/<(?:style|title)>[\s\S]*?<\/(?:style|title)>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

describe('the page', () => {
  test('of a rollback tells verdict, code, line and evidence first', () => {
    expect(textOf(deploymentPage(bad))).toMatch(/^ Pratique deployment report 2026-11-21 15:01 UTC shop in web .* Rolled back CANARY_REGRESSION failed requests: canary 2\.71 % of 480 requests/);
    expect(deploymentPage(bad)).not.toContain('badge good');
  });

  test('has a plot for weights, evidence and each metric, with words for those who do not see it', () => {
    expect([...deploymentPage(bad).matchAll(/aria-label="([^"]*\. [^"]*)"/g)].map(([, label]) => label)).toEqual([
      'Weights. At most stable 80 %, baseline 10 %, canary 10 %.', 'Evidence. At the end 115 : 1 that the canary is worse and less than 1 : 1 that it is good enough.',
      'Failed requests. At the end: baseline 0 %, canary 2.71 %.', 'Requests slower than 0.25 s. At the end: baseline 5 %, canary 7.29 %.',
    ]);
  });

  test('of a promotion is green, and names the signed record', () => {
    const page = deploymentPage(judgedRun({ failures: 0.002, slow: 0.05 }));
    expect(page).toContain('<div class="headline good">');
    expect(textOf(page)).toContain('Promoted Every metric shows');
    expect(page).toContain(`sha256:${'ab'.repeat(32)}`);
  });

  test('of a crash has the diagnosis with events and log, no plot, and says what was left out of the arms', () => {
    const told = textOf(deploymentPage(crashedRun()));
    expect(told).toContain('CRASH_EXIT Pod web/shop-canary-6d9f7c-x2x9q, container web it ended with exit code 1, 4 times Warning BackOff');
    expect(told).toContain('Job web/shop-migrate it is a hook');
    expect(told).toContain('failed Installed the canary, and waited until it was ready');
    expect(deploymentPage(crashedRun())).not.toContain('<figure');
  });

  test('lets only its own style in, and runs nothing', () => {
    const page = deploymentPage(bad);
    const hash = createHash('sha256').update(/<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '').digest('base64');
    expect(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'")).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
    expect(page).not.toMatch(/<script|\s(?:style|on[a-z]+|src)="/);
  });
});

describe('hostile text', () => {
  const chosen = new Set(['result', 'strategy', 'comparison', 'verdict']);
  const pages = (text: string): string => [crashedRun(), bad].map((record) => deploymentPage(withText(record, text, { chosen }) as RunRecord)).join('');

  test.each(hostileTexts.map((text) => [JSON.stringify(text).slice(0, 40), text]))('%s ends as text', (_name, text) => {
    const plain = structureOf(pages('text'));
    expect(plain.length).toBeGreaterThan(400);
    // The first line of a hint is told, what follows is a command: a line break makes one more place, not more markup.
    expect(structureOf(pages(text.replaceAll('\n', ' ')))).toEqual(plain);
    // oxlint-disable-next-line no-control-regex -- control characters are the point
    expect(pages(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  });

  test('is cut when it is long', () => {
    expect(deploymentPage({ ...crashedRun(), words: 'x'.repeat(90_000), chart: 'y'.repeat(90_000) }).length).toBeLessThan(60_000);
  });
});
