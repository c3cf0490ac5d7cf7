// SPDX-License-Identifier: Apache-2.0
import { readVerdictPredicate } from '@pratique/sign';
import { expect, test } from 'vitest';
import { revocation } from './revocation.ts';

const image = { registry: 'r.example', repository: 'acme/app', digest: `sha256:${'a'.repeat(64)}` } as const;
const policy = { uri: 'github://acme/app/.pratique@c0ffee', digest: `sha256:${'b'.repeat(64)}` } as const;

test('a revocation is a FAILED verdict that is over when it is given, and says who, why and by which policy', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const predicate = revocation({ image, set: policy, channel: 'preview', reason: 'the key leaked', now, verifier: 'https://github.com/acme/app/actions/runs/7' });
  expect(readVerdictPredicate(JSON.parse(JSON.stringify(predicate)))).toMatchObject({ result: 'FAILED', channel: 'preview', resourceUri: 'r.example/acme/app@' + image.digest, policyUri: policy.uri, policyDigest: policy.digest, validUntil: now, timeVerified: now });
  expect(JSON.stringify(predicate)).toMatch(/"effect":"deny".*"code":"VERDICT_REFUSED"|"code":"VERDICT_REFUSED".*"effect":"deny"/);
  expect(JSON.stringify(predicate)).toContain('the key leaked');
});
