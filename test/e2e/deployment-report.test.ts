// SPDX-License-Identifier: Apache-2.0
// The report of a deployment in a real browser: it loads nothing, breaks no rule of its own security policy, and draws what it plots.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deploymentPage } from '../../actions/helm-deploy-canary/src/report/page.ts';
import { crashedRun, judgedRun } from '../../actions/helm-deploy-canary/src/report/sample-run.fixture.ts';
import type { RunRecord } from '../../actions/helm-deploy-canary/src/run-record.ts';
import { hostileTexts } from '../fixtures/hostile-page.ts';
import { obtain } from '../tools/obtain.ts';
import { openPage, type Page } from './chromium.ts';
import { faintTexts, overhanging } from './page-faults.ts';

const evil = hostileTexts.join(' ');
const bad = judgedRun({ failures: 0.03, slow: 0.06 });
const runs: Readonly<Record<string, RunRecord>> = {
  bad, good: judgedRun({ failures: 0.002, slow: 0.05 }), crashed: crashedRun(),
  hostile: { ...bad, release: evil, namespace: evil, words: evil, chart: evil, server: evil, run: evil, parts: [evil], shared: [evil], leftOut: [{ object: evil, reason: evil }], findings: [{ code: evil, object: evil, cause: evil, evidence: [evil], mend: evil }] },
};
let page: Page;
let folder: string;
beforeAll(async () => {
  const [chromium] = await obtain(['chromium']);
  page = await openPage(chromium?.path ?? '');
  folder = await mkdtemp(join(tmpdir(), 'deployment-report-'));
  for (const [name, run] of Object.entries(runs)) await writeFile(join(folder, `${name}.html`), deploymentPage(run));
}, 600_000);
afterAll(async () => {
  await page[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
const addressOf = (name: string): string => pathToFileURL(join(folder, `${name}.html`)).href;

describe.each(['light', 'dark'] as const)('%s', (scheme) => {
  test.each([1280, 400])('%i pixels wide: no word of complaint, nothing stands out to the side, every text can be read', async (width) => {
    for (const name of Object.keys(runs)) {
      await page.open(addressOf(name), { width, scheme });
      expect(page.requests).toEqual([addressOf(name)]);
      expect(page.complaints).toEqual([]);
      expect(await page.evaluate(overhanging)).toEqual([]);
      expect(await page.evaluate(faintTexts)).toEqual([]);
    }
  });
});

test('hostile text is text: nothing ran, no element came of it', async () => {
  await page.open(addressOf('hostile'));
  expect(await page.evaluate("document.querySelectorAll('script, img, iframe, object, [onerror], [onload], [onmouseover]').length")).toBe(0);
  expect(await page.evaluate('document.title')).toMatch(/^Rolled back: /);
});

test('lines are as wide as their plot at every width, each with a colour of its own', async () => {
  for (const width of [1280, 400]) {
    await page.open(addressOf('good'), { width });
    const drawn = await page.evaluate<{ readonly wide: number; readonly frame: number; readonly colour: string }[]>("[...document.querySelectorAll('.plot')].slice(0, 1).flatMap((plot) => [...plot.querySelectorAll('path.line')].map((line) => ({ wide: Math.round(line.getBoundingClientRect().width), frame: Math.round(plot.getBoundingClientRect().width), colour: getComputedStyle(line).stroke })))");
    expect(drawn).toHaveLength(3);
    for (const { wide, frame } of drawn) expect(Math.abs(wide - frame)).toBeLessThanOrEqual(2);
    expect(new Set(drawn.map(({ colour }) => colour)).size).toBe(3);
  }
});

test('printed it is light and whole', async () => {
  await page.open(addressOf('good'), { scheme: 'dark', media: 'print', width: 718 });
  expect(page.complaints).toEqual([]);
  expect(await page.evaluate(overhanging)).toEqual([]);
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
});
