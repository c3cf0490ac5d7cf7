// SPDX-License-Identifier: Apache-2.0
// What needs no cluster: inputs, who is dead, what the summary says.
import { readFile } from 'node:fs/promises';
import { chartFindingCodes, type GitHubReply, type Notice } from '@pratique/core';
import { judgeState, planJudge, startJudge, type CanaryEnd } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { describeChart, reviewChart } from './chart-review.ts';
import { inputs } from './inputs.ts';
import { provenOwner } from './owner.ts';
import { summarize } from './summary.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const required = { image: `r.example/shop@${digest}`, chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://prometheus.test' };

describe('inputs', () => {
  test('have defaults that can be used', () => {
    expect(parseInputs(inputs, required)).toMatchObject({ steps: [{ weight: 5 }, { weight: 10 }, { weight: 25 }, { weight: 50 }], replicas: 1, 'failure-limit': 0.01, set: [{ key: 'image.registry' }, { key: 'image.repository' }, { key: 'image.digest', value: '$digest' }] });
  });
  test.each([
    ['a chart by tag', { chart: 'oci://r.example/chart:1.0' }], ['a chart by URL', { chart: 'https://charts.example/shop.tgz' }], ['a release that is no name', { release: 'Shop' }], ['values without a key', { set: 'just words' }],
    ['no pods', { replicas: '0' }], ['a limit without a sign', { 'failure-limit': '1' }], ['a limit of nothing', { 'failure-limit': '0%' }], ['steps that fall', { steps: '10% 60s\n5% 60s' }], ['a mode that there is not', { 'on-insufficient-data': 'promote' }],
  ])('with %s are refused', (_name, given) => {
    expect(() => parseInputs(inputs, { ...required, ...given })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

describe('a run that left something half done', () => {
  const github = (reply: Partial<GitHubReply>) => ({ github: { request: () => Promise.resolve({ status: 200, data: {}, headers: {}, ...reply }) } });
  const run = 'https://github.com/acme/app/actions/runs/7';
  test.each([
    ['is unknown when nobody knows it', undefined, {}, 'unknown'], ['is dead when it is completed', run, { data: { status: 'completed' } }, 'dead'], ['is alive while GitHub says so', run, { data: { status: 'in_progress' } }, 'alive'],
    ['is dead by its lock alone where GitHub does not tell', run, { status: 403 }, 'dead'], ['is dead by its lock alone elsewhere', 'run 42', {}, 'dead'],
  ])('%s', async (_name, address, reply, state) => {
    expect((await provenOwner(github(reply), address)).state).toBe(state);
  });
});

test('the summary tells the verdict, the figures and the lines, and hostile names as text', () => {
  const settings = planJudge({ metrics: [{ name: 'failed requests' }] });
  const judgement = { ...judgeState(startJudge(settings)), verdict: 'rollback' as const, reason: 'alarm-line-crossed' as const };
  const end: CanaryEnd = { verdict: 'rolled-back', code: 'CANARY_REGRESSION', words: 'worse <img src=x>', judgement, reached: { stable: 80, baseline: 10, canary: 10 }, timeline: [], revision: 3 };
  const text = summarize(parseInputs(inputs, required), { end, deployment: { judging: { settings, forecast: '' } }, image: { registry: 'r.example', repository: 'shop', digest } });
  expect(text).toContain('## ⛔ Rolled back: shop in web');
  expect(text).toContain('Roll back beyond 0.1 % + 1.1 x the baseline, promote below 0.5 % + 1.25 x the baseline');
  expect(text).not.toContain('<img');
});

describe('a chart', () => {
  const objects = [{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template: { spec: { containers: [{ name: 'a|<b>', image: 'x:1', securityContext: { privileged: true } }] } } } }];
  const told: Notice[] = [];
  const ctx = { log: { line: () => undefined, notice: (notice: Notice) => void told.push(notice), group: <T>(_title: string, work: () => Promise<T>) => work() } };
  test('is refused with every finding that the policy refuses, and only those', () => {
    expect(() => reviewChart(ctx, objects, { refuse: ['PRIVILEGED', 'IMAGE_NOT_PINNED', 'HOST_ACCESS'], silence: [] })).toThrow(expect.objectContaining({
      code: 'CHART_REFUSED', message: expect.stringMatching(/IMAGE_NOT_PINNED: Job once.*; PRIVILEGED: Job once, container a\|<b>: it is privileged: it owns the node$/) as string, facts: { findings: [expect.anything(), expect.anything()] },
    }));
    expect(told).toEqual([]);
  });
  test('is told of what does not refuse it, save what is silenced', () => {
    const findings = reviewChart(ctx, objects, { refuse: [], silence: chartFindingCodes.filter((code) => code !== 'PRIVILEGED' && code !== 'IMAGE_NOT_PINNED') });
    expect(findings.map(({ code }) => code)).toEqual(['IMAGE_NOT_PINNED', 'PRIVILEGED']);
    expect(told).toMatchObject([{ level: 'warning', title: '2 findings in the chart' }]);
    expect(describeChart(findings)).toContain('| `PRIVILEGED` | Job once, container a\\|&lt;b&gt; |');
    expect(describeChart([])).toBe('');
  });
  test('has every finding explained in the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    expect(chartFindingCodes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });
});
