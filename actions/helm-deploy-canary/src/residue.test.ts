// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { listResidue } from './residue.ts';

const cluster = (kinds: readonly string[]) => ({ list: ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }) => Promise.resolve({ items: kinds.includes(kind) ? [{ apiVersion, kind, metadata: { name: 'app-canary', namespace: 'web' } }] : [], resourceVersion: '1' }) });

test('pods stand for the rest while they end; what stays for a look is told whole', async () => {
  const held = cluster(['Pod', 'Deployment', 'Service']);
  expect(await listResidue(held, 'app')).toEqual(['Pod web/app-canary']);
  expect(await listResidue(held, 'app', { whole: true })).toEqual(['Pod web/app-canary', 'Deployment web/app-canary', 'Service web/app-canary']);
  expect(await listResidue(cluster(['Service']), 'app')).toEqual(['Service web/app-canary']);
});
