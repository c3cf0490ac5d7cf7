// SPDX-License-Identifier: Apache-2.0
// The headline: all answers in one word. Only a release verdict that holds right here is `passed`.
import type { Channel } from '@pratique/core';
import type { Answer } from './answers.ts';

/**
 * `preview`: passed for previews alone. `elsewhere`: the verdict names another repository. `undecided`: what hangs on the image let nobody decide.
 * `unproven`: nobody is believed, because no policy was given or its trust names no gate. `missing`: no believed verdict.
 */
export type Standing = 'passed' | 'refused' | 'expired' | 'preview' | 'elsewhere' | 'undecided' | 'unproven' | 'missing';

/** Every standing, with what it means for people. */
export const standings: Readonly<Record<Standing, string>> = {
  passed: 'Passed for release',
  refused: 'Refused',
  expired: 'The verdict has expired',
  preview: 'Passed for previews, not for release',
  elsewhere: 'Passed elsewhere, not in this repository',
  undecided: 'No decision is possible',
  unproven: 'Nothing is proven: nobody is believed',
  missing: 'No verdict',
};

/** The standing and the answer that decides it. `judged`: whether the trust names anybody as gate. */
export function standingOf(answers: readonly Answer[], judged: boolean): { readonly standing: Standing; readonly deciding: Answer | undefined } {
  const find = (channel: Channel, here: boolean, codes: readonly Answer['code'][]): Answer | undefined => answers.find((one) => one.channel === channel && one.here === here && codes.includes(one.code));
  const own = answers.find((one) => one.here && one.channel === 'release');
  if (!judged) return { standing: 'unproven', deciding: own };
  const order: readonly (readonly [Standing, Answer | undefined])[] = [
    ['passed', find('release', true, ['passed'])],
    ['undecided', own !== undefined && !own.code.startsWith('VERDICT_') ? own : undefined],
    ['refused', find('release', true, ['VERDICT_REFUSED'])],
    ['expired', find('release', true, ['VERDICT_EXPIRED'])],
    ['refused', find('release', false, ['VERDICT_REFUSED'])],
    ['preview', find('preview', true, ['passed'])],
    ['elsewhere', find('release', false, ['passed']) ?? find('preview', false, ['passed'])],
    ['expired', find('release', false, ['VERDICT_EXPIRED']) ?? find('preview', true, ['VERDICT_EXPIRED'])],
    ['refused', find('preview', true, ['VERDICT_REFUSED']) ?? find('preview', false, ['VERDICT_REFUSED'])],
  ];
  const [standing, deciding] = order.find(([, answer]) => answer !== undefined) ?? ['missing', own];
  return { standing, deciding };
}
