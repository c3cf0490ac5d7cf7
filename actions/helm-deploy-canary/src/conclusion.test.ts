// SPDX-License-Identifier: Apache-2.0
// What is done when a run is over, with a registry that does not answer any more.
import { Failure, type Context, type Notice } from '@pratique/core';
import { judgeState, planJudge, startJudge, type CanaryEnd, type Cluster } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../../test/fixtures/memory-files.ts';
import type { Admission } from './admission.ts';
import { conclude, type ConclusionOptions } from './conclusion.ts';
import type { Deployment } from './deployment.ts';
import { inputs } from './inputs.ts';

const image = { registry: 'r.example', repository: 'shop', digest: `sha256:${'a'.repeat(64)}` } as const;
const settings = planJudge({ metrics: [{ name: 'failed requests' }] });
const down = new Failure({ code: 'REGISTRY_UNAVAILABLE', message: 'the registry answered 503', hint: 'Run it again.' });
const endOf = (verdict: 'promoted' | 'rolled-back'): CanaryEnd => ({
  verdict, ...(verdict === 'rolled-back' && { code: 'CANARY_REGRESSION' }), words: 'why', judgement: judgeState(startJudge(settings)), reached: { stable: 0, baseline: 50, canary: 50 }, timeline: [], revision: 3,
});

function stage(given: Record<string, string> = {}, files = memoryFiles()): { readonly options: ConclusionOptions; readonly files: typeof files; readonly told: Notice[] } {
  const told: Notice[] = [];
  const ctx = { files, clock: { now: () => new Date('2026-11-21T15:00:00Z') }, log: { line: () => undefined, notice: (notice: Notice) => void told.push(notice) } } as unknown as Context;
  const admission = { image, repository: { readManifest: () => Promise.reject(down) } } as unknown as Admission;
  const deployment = { arms: undefined, strategy: 'canary', remarks: [], rendered: { next: [] }, judging: { settings, forecast: 'soon' } } as unknown as Deployment;
  const chronicle = { startedAt: new Date('2026-11-21T14:00:00Z'), entries: [], timeline: [], judgement: undefined, follow: () => { throw new Error('it is over'); } };
  const cluster = { server: 'https://cluster.example', get: () => Promise.resolve(undefined) } as unknown as Cluster;
  const values = { image: `r.example/shop@${image.digest}`, chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://prometheus.test', ...given };
  return { files, told, options: { given: parseInputs(inputs, values), ctx, admission, cluster, deployment, findings: [], chronicle, run: 'https://ci.example/1' } };
}
const pageAt = (files: ReturnType<typeof memoryFiles>, path: string): string => new TextDecoder().decode(files.content.get(path));

describe('without the registry', () => {
  test('a promotion stays one, and the run ends with the code of its record', async () => {
    const { options, files } = stage();
    const { record, failure, report } = await conclude(options, endOf('promoted'));
    expect([record.result, record.attestation]).toEqual(['promoted', undefined]);
    expect(failure).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('promoted and serves') as string, hint: 'Run it again: the next run writes it. Run it again.' });
    expect(report).toBe('deployment-web-shop.html');
    expect(pageAt(files, '/deployment-web-shop.html')).toContain('not signed');
  });

  test('a rollback stays the answer, and the record is told of', async () => {
    const { options, told } = stage();
    expect((await conclude(options, endOf('rolled-back'))).failure).toBeUndefined();
    expect(told).toMatchObject([{ level: 'warning', title: 'The record of this deployment is not signed', message: 'the registry answered 503' }]);
  });

  test('nobody is asked for a record that was not wanted', async () => {
    const { options, told } = stage({ attest: 'false' });
    expect((await conclude(options, endOf('promoted'))).failure).toBeUndefined();
    expect(told).toEqual([]);
  });
});

test('a run that failed has its report where it was asked for, and ends with its own failure', async () => {
  const { options, files } = stage({ report: 'out/report.html' });
  const failure = new Failure({ code: 'CANARY_NOT_READY', message: 'the canary does not get ready', facts: { findings: [{ code: 'CRASH_EXIT', object: 'Pod web/x', cause: 'exit code 1', evidence: ['log: no database'], mend: 'Look.' }] } });
  const told = await conclude(options, failure);
  expect(told).toMatchObject({ failure, report: 'out/report.html', record: { result: 'failed', code: 'CANARY_NOT_READY', findings: [{ code: 'CRASH_EXIT' }] } });
  expect(pageAt(files, '/out/report.html')).toContain('log: no database');
  expect(told.summary).toContain('## ❌ Failed: shop in web');
});

test('a report that cannot be written does not change the end', async () => {
  const { options, told } = stage({ attest: 'false' }, { ...memoryFiles(), write: () => Promise.reject(new Error('the disk is full')) });
  expect(await conclude(options, endOf('promoted'))).toMatchObject({ report: '', record: { result: 'promoted' } });
  expect(told).toMatchObject([{ title: 'No report', message: 'deployment-web-shop.html could not be written: the disk is full' }]);
});
