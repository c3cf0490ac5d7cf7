// SPDX-License-Identifier: Apache-2.0
// The report in a real browser: it loads nothing, breaks no rule of its own security policy, filters, and shows all of itself without scripting.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatImage } from '@pratique/core';
import { runInTerminal } from '@pratique/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { report } from '../../packages/cli/src/steps/report.ts';
import { forge, plant } from '../fixtures/attacks/forgery.ts';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';
import { obtain } from '../tools/obtain.ts';
import { openPage, type Page } from './chromium.ts';
import { faintTexts, overhanging } from './page-faults.ts';

const evil = '"><img src="https://evil.example/x"><script>document.title="ran"</script>';
const severities = "[...document.querySelectorAll('#finding-rows tbody tr')].filter((row) => row.getClientRects().length > 0).map((row) => row.dataset.severity).join(' ')";
let world: GateWorld;
let page: Page;
let refused: string;
let released: string;

beforeAll(async () => {
  const [chromium] = await obtain(['chromium']);
  page = await openPage(chromium?.path ?? '');
  world = await openGateWorld();
  const bad = await world.pushImage({ name: 'bad', version: '1.1.0', platforms: ['linux/amd64', 'linux/arm64'], findings: ['CVE-2021-44906', 'CVE-2021-23337', 'CVE-2020-28500', 'CVE-2023-42366', 'CVE-2022-28391'] });
  await world.sign(bad);
  await world.judge(bad);
  await plant(world.asAdministrator(bad.image.repository), bad.root, { artifactType: 'application/vnd.planted.v1', name: evil });
  await forge(world, { role: 'gate', job: { jobWorkflowFile: '.github/workflows/other.yml' }, repository: bad.image.repository, subject: bad.root, predicateType: evil, predicate: {} });
  const good = await world.pushImage({ name: 'good' });
  await world.sign(good);
  await world.judge(good);
  refused = await write(formatImage(bad.image));
  released = await write(formatImage({ ...good.release, digest: good.image.digest }));
}, 1_800_000);
afterAll(async () => {
  await page[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** As a terminal runs it, with --json; gives the address of the file. */
async function write(image: string): Promise<string> {
  const given = Object.fromEntries(Object.entries({ ...world.inputsOf('gate'), image, policy: 'github://acme/app' }).filter(([name]) => name in report.inputs));
  let out = '';
  expect(await runInTerminal(report, given, { ...await world.hostFor('gate'), json: true, out: (text) => (out += text), err: () => undefined })).toBe(0);
  return (JSON.parse(out) as { outputs: { report: string } }).outputs.report;
}

/** Nothing was asked for but the file, nothing was complained of, nothing stands out to the side. */
async function expectQuiet(address: string): Promise<void> {
  expect(page.requests).toEqual([address]);
  expect(page.complaints).toEqual([]);
  expect(await page.evaluate(overhanging)).toEqual([]);
}

describe.each(['light', 'dark'] as const)('%s', (scheme) => {
  test.each([1280, 400])('opens %i pixels wide without a word, and nothing stands out to the side', async (width) => {
    for (const address of [refused, released]) {
      await page.open(address, { width, scheme });
      await expectQuiet(address);
    }
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(scheme === 'dark' ? 'rgb(13, 18, 24)' : 'rgb(244, 246, 249)');
  });

  test('every text can be read: contrast of at least 4.5 to 1', async () => {
    for (const address of [refused, released]) {
      await page.open(address, { scheme });
      expect(await page.evaluate(faintTexts)).toEqual([]);
    }
  });
});

test('hostile text is text: nothing ran, no element came of it', async () => {
  await page.open(refused);
  expect(await page.evaluate('document.title')).toMatch(/^Refused: /);
  expect(await page.evaluate("document.querySelectorAll('img, iframe, object, [onerror], script').length")).toBe(1);
  expect(await page.evaluate("document.getElementById('attestations').textContent")).toContain(evil);
});

describe('the filter', () => {
  test('by severity, fix and words; the address keeps it', async () => {
    await page.open(refused);
    expect(await page.evaluate(severities)).toBe('critical high medium unknown low');
    await page.evaluate("document.querySelector('#filter input').focus()");
    await page.type('lodash');
    expect(await page.evaluate(severities)).toBe('high medium');
    expect(await page.evaluate("document.getElementById('shown').textContent")).toBe('2 of 5 shown');
    await page.evaluate("{ const one = document.querySelector('#filter [name=severity]'); one.value = 'medium'; one.dispatchEvent(new Event('input', { bubbles: true })); }");
    expect(await page.evaluate(severities)).toBe('medium');
    expect(await page.evaluate('location.hash')).toBe('#text=lodash&severity=medium');
    await expectQuiet(refused);
  });

  test('is read from the address', async () => {
    await page.open(`${refused}#fixable=no`);
    expect(await page.evaluate(severities)).toBe('unknown low');
  });
});

test('without scripting every finding is shown, and no filter that would do nothing', async () => {
  await page.open(refused, { scripting: false });
  expect(await page.evaluate(severities)).toBe('critical high medium unknown low');
  expect(await page.evaluate("document.getElementById('filter').getClientRects().length")).toBe(0);
});

test('printed it is light, whole, and without controls', async () => {
  // A4 with the margins that browsers give it.
  await page.open(refused, { scheme: 'dark', media: 'print', width: 718 });
  await expectQuiet(refused);
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  expect(await page.evaluate("[...document.querySelectorAll('nav, form')].filter((one) => one.getClientRects().length > 0).length")).toBe(0);
  expect(await page.evaluate("[...document.querySelectorAll('.digest')].every((one) => one.scrollWidth <= one.clientWidth + 1)")).toBe(true);
});

test('the complaints of a page are heard: a page that breaks its policy is not quiet', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'report-'));
  const file = join(folder, 'bad.html');
  await writeFile(file, `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>t</title><script>document.title='ran'</script><img src="https://evil.example/x">`);
  await page.open(`file://${file}`);
  expect(await page.evaluate('document.title')).toBe('t');
  expect(page.complaints.length).toBeGreaterThan(0);
  await rm(folder, { recursive: true });
});
