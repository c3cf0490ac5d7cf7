// SPDX-License-Identifier: Apache-2.0
// The headline never says more than the answers: passed only for a release verdict that holds here.
import type { Channel, PinnedImage } from '@pratique/core';
import { expect, test } from 'vitest';
import type { Answer } from './answers.ts';
import { standingOf, type Standing } from './standing.ts';

const of: PinnedImage = { registry: 'r.example', repository: 'app', digest: `sha256:${'1'.repeat(64)}` };
const answer = (channel: Channel, code: Answer['code'], here = true): Answer => ({ channel, of, here, code });
const here = (release: Answer['code'], preview: Answer['code'] = 'VERDICT_MISSING'): Answer[] => [answer('release', release), answer('preview', preview)];

test.each<readonly [string, readonly Answer[], Standing, Answer['code']]>([
  ['a release', here('passed', 'VERDICT_CHANNEL'), 'passed', 'passed'],
  ['a preview', here('VERDICT_CHANNEL', 'passed'), 'preview', 'passed'],
  ['a revoked release that was a preview', here('VERDICT_REFUSED', 'passed'), 'refused', 'VERDICT_REFUSED'],
  ['an expired release', here('VERDICT_EXPIRED', 'passed'), 'expired', 'VERDICT_EXPIRED'],
  ['refused where it would be released', [...here('VERDICT_MISSING'), answer('release', 'VERDICT_REFUSED', false)], 'refused', 'VERDICT_REFUSED'],
  ['released elsewhere', [...here('VERDICT_MISSING'), answer('release', 'passed', false)], 'elsewhere', 'passed'],
  ['expired elsewhere', [...here('VERDICT_MISSING'), answer('release', 'VERDICT_EXPIRED', false)], 'expired', 'VERDICT_EXPIRED'],
  ['refused for previews', here('VERDICT_CHANNEL', 'VERDICT_REFUSED'), 'refused', 'VERDICT_REFUSED'],
  ['passed elsewhere, but here nobody can tell', [...here('ATTESTATION_MALFORMED'), answer('release', 'passed', false)], 'undecided', 'ATTESTATION_MALFORMED'],
  ['flooded', here('GATE_REFERRERS_FLOOD', 'GATE_REFERRERS_FLOOD'), 'undecided', 'GATE_REFERRERS_FLOOD'],
  ['never judged', here('VERDICT_MISSING'), 'missing', 'VERDICT_MISSING'],
  ['judged by somebody without the role', here('VERDICT_UNTRUSTED', 'VERDICT_UNTRUSTED'), 'missing', 'VERDICT_UNTRUSTED'],
])('%s', (_, answers, standing, code) => {
  const told = standingOf(answers, true);
  expect([told.standing, told.deciding?.code]).toEqual([standing, code]);
});

test('who believes nobody has proven nothing, whatever hangs there', () => {
  expect(standingOf(here('passed', 'passed'), false).standing).toBe('unproven');
});
