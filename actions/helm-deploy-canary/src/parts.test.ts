// SPDX-License-Identifier: Apache-2.0
// What needs no cluster: inputs, who is dead, findings in a chart.
import { readFile } from 'node:fs/promises';
import { chartFindingCodes, Failure, type Context, type GitHubReply, type Notice } from '@pratique/core';
import { judgeState, planJudge, startJudge, type CanaryEnd } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../../test/fixtures/memory-files.ts';
import { summarizeBriefly } from './brief-summary.ts';
import { describeChart, reviewChart } from './chart-review.ts';
import { connect } from './connection.ts';
import { explainRefusal } from './explanation.ts';
import { inputs } from './inputs.ts';
import { requireMetrics } from './metrics.ts';
import { provenOwner } from './owner.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const required = { image: `r.example/shop@${digest}`, chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://prometheus.test' };

describe('inputs', () => {
  test('have defaults that can be used', () => {
    expect(parseInputs(inputs, required)).toMatchObject({ steps: [{ weight: 5 }, { weight: 10 }, { weight: 25 }, { weight: 50 }], replicas: 1, 'failure-limit': 0.01, set: [{ key: 'image.registry' }, { key: 'image.repository' }, { key: 'image.digest', value: '$digest' }] });
  });
  test.each([
    ['a chart by tag', { chart: 'oci://r.example/chart:1.0' }], ['a chart by URL', { chart: 'https://charts.example/shop.tgz' }], ['a release that is no name', { release: 'Shop' }], ['values without a key', { set: 'just words' }],
    ['no pods', { replicas: '0' }], ['a limit without a sign', { 'failure-limit': '1' }], ['a limit of nothing', { 'failure-limit': '0%' }], ['steps that fall', { steps: '10% 60s\n5% 60s' }], ['a mode that there is not', { 'on-insufficient-data': 'promote' }], ['a strategy that there is not', { strategy: 'recreate' }],
  ])('with %s are refused', (_name, given) => {
    expect(() => parseInputs(inputs, { ...required, ...given })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

test('metrics are asked for where traffic decides', () => {
  expect(requireMetrics(parseInputs(inputs, required))).toBe('http://prometheus.test');
  expect(() => requireMetrics(parseInputs(inputs, { ...required, metrics: '' }))).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', hint: expect.stringContaining('strategy: rolling') }));
});

describe('a kubeconfig', () => {
  const config = { apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'c', cluster: { server: 'https://k.example' } }], users: [{ name: 'u', user: { token: 't' } }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' };
  const yaml = 'apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{ name: c, cluster: { server: "https://k.example" } }]\nusers: [{ name: u, user: { token: t } }]\ncontexts: [{ name: x, context: { cluster: c, user: u } }]\n';
  const open = async (kubeconfig: string, stored = '') => {
    const files = memoryFiles();
    await files.write('/file', new TextEncoder().encode(stored));
    return connect(parseInputs(inputs, { ...required, kubeconfig }), { files, scratch: '/scratch', signal: new AbortController().signal, secret: () => undefined, mask: () => undefined, fetchOver: () => undefined } as unknown as Context);
  };
  test.each([['JSON on one line', JSON.stringify(config), ''], ['YAML', yaml, ''], ['a path', '/file', yaml]])('is taken as %s', async (_name, given, stored) => {
    expect((await open(given, stored)).cluster.server).toBe('https://k.example');
  });
  test('that is not there is told', async () => {
    await expect(open('/nowhere')).rejects.toMatchObject({ code: 'KUBE_CONFIG_INVALID', message: 'there is no kubeconfig at /nowhere' });
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

test('the summary of a rolling deployment tells why it went back', () => {
  const end = { verdict: 'rolled-back', words: 'CRASH_EXIT: Pod x: <b>', revision: 3 } as const;
  const text = summarizeBriefly(parseInputs(inputs, required), { end, image: { registry: 'r.example', repository: 'shop', digest } });
  expect(text).toMatch(/^## ⛔ Rolled back: shop in web\n\n<code>.*<\/code>\n\nCRASH.*The release is at revision 3\.\n$/);
  expect(text).not.toContain('<b>');
});

const settings = planJudge({ metrics: [{ name: 'failed requests' }] });
const regressed = { ...judgeState(startJudge(settings)), verdict: 'rollback' as const, reason: 'alarm-line-crossed' as const };
const ended: CanaryEnd = { verdict: 'rolled-back', code: 'CANARY_REGRESSION', words: 'worse <img src=x>', judgement: regressed, reached: { stable: 80, baseline: 10, canary: 10 }, timeline: [], revision: 3 };

describe('a refusal', () => {
  const judged = (reason: CanaryEnd['judgement']['reason']): CanaryEnd => ({ ...ended, judgement: { ...regressed, verdict: 'insufficient', reason } });
  test.each([
    ['too little traffic', judged('evidence-short'), 'CANARY_INSUFFICIENT', /more time/], ['no metrics', judged('series-missing'), 'CANARY_INSUFFICIENT', /Prometheus/],
    ['a gateway that counts nothing', judged('routing'), 'CANARY_INSUFFICIENT', /gateway/], ['stable fails too', judged('environment'), 'CANARY_INSUFFICIENT', /both depend/],
    ['pods that died', { ...ended, loss: new Failure({ code: 'CANARY_NOT_READY', message: 'it died', hint: 'Raise the limit.' }) }, 'CANARY_NOT_READY', /^Stable serves all traffic\. Raise the limit\.$/],
    ['a first deployment', { ...ended, revision: 0 }, 'CANARY_REGRESSION', /^Nothing is deployed\./],
  ] as const)('after %s says what mends it', (_name, end, code, hint) => {
    expect(explainRefusal(end, code)).toMatchObject({ code, hint: expect.stringMatching(hint) as string });
  });
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
