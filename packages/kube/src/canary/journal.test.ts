// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn } from '../api-stand-in.ts';
import { openJournal } from './journal.ts';
import type { CanaryRecord } from './record.ts';

const { signal } = new AbortController();
const record: CanaryRecord = { version: 1, run: 'https://ci.example/runs/1', image: 'r.example/app@sha256:1', stage: 'routing', stableRevision: 3, originals: '[]' };
const open = (api: ReturnType<typeof createApiStandIn>, fence = 1) => openJournal({ cluster: connectTo(api.handle), namespace: 'web', release: 'shop', fence });
const path = '/api/v1/namespaces/web/configmaps/pratique-canary-shop';

describe('the journal', () => {
  test('is what a later run reads', async () => {
    const api = createApiStandIn();
    const first = open(api);
    await first.write({ ...record, stage: 'installing' }, signal);
    await first.write(record, signal);
    const later = open(api, 2);
    expect(await later.read(signal)).toEqual(record);
    await later.remove(signal);
    expect([api.find(path), await later.read(signal)]).toEqual([undefined, undefined]);
  });

  test('of a run that lost the lock does not write over its successor', async () => {
    const api = createApiStandIn();
    const old = open(api, 1);
    await old.write(record, signal);
    const next = open(api, 2);
    await next.read(signal);
    await next.write({ ...record, run: 'https://ci.example/runs/2' }, signal);
    await expect(old.write({ ...record, stage: 'promoting' }, signal)).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    await expect(old.read(signal)).rejects.toMatchObject({ code: 'KUBE_LEASE_LOST' });
    await expect(old.remove(signal)).rejects.toMatchObject({ code: 'KUBE_LEASE_LOST' });
    expect(await open(api, 2).read(signal)).toMatchObject({ run: 'https://ci.example/runs/2', stage: 'routing' });
  });

  test.each([
    ['no JSON', 'promoting'], ['another version', JSON.stringify({ ...record, version: 2 })], ['a stage that there is not', JSON.stringify({ ...record, stage: 'done' })],
    ['a revision that is none', JSON.stringify({ ...record, stableRevision: -1 })], ['originals that are no text', JSON.stringify({ ...record, originals: {} })],
  ])('with %s is not guessed at', async (_name, text) => {
    const api = createApiStandIn([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pratique-canary-shop', namespace: 'web' }, data: { record: text, fence: '1' } }]);
    await expect(open(api).read(signal)).rejects.toMatchObject({ code: 'KUBE_JOURNAL_INVALID' });
  });
});
