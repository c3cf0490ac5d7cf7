// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { connectTo, createApiStandIn } from '../api-stand-in.ts';
import { resumeSplit } from './resume.ts';

const cluster = connectTo(createApiStandIn().handle);

test('a journal of a version that knew routes only is of a route', () => {
  expect(resumeSplit(cluster, '{"name":"shop","namespace":"web","rules":[]}').plan).toMatchObject({ kind: 'gateway-api', name: 'shop' });
});
test.each(['{"kind":"smi"}', '[]', 'x'])('nothing is guessed from %s', (originals) => {
  expect(() => resumeSplit(cluster, originals)).toThrow(expect.objectContaining({ code: 'KUBE_JOURNAL_INVALID' }));
});
