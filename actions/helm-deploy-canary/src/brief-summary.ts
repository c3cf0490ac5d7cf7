// SPDX-License-Identifier: Apache-2.0
// The job summary of a deployment that judged nothing itself.
import { formatImage, type PinnedImage } from '@pratique/core';
import type { CanaryEnd } from '@pratique/kube';
import { code, prose, table } from '@pratique/step';
import type { Inputs } from './inputs.ts';
import { headlines } from './summary.ts';

/** How it ended. */
export interface Headed {
  readonly end: Pick<CanaryEnd, 'verdict' | 'words' | 'revision'>;
  readonly image: PinnedImage;
}

/** Markdown; every value from outside is escaped. */
export function summarizeBriefly({ release, namespace }: Pick<Inputs, 'release' | 'namespace'>, { end: { verdict, words, revision }, image }: Headed): string {
  return [`## ${headlines[verdict]}: ${prose(release)} in ${prose(namespace)}`, '', code(formatImage(image)), '', `${prose(words, 1500)}${revision > 0 ? ` The release is at revision ${revision}.` : ''}`, ''].join('\n');
}

/** What an operator said, and when. */
export interface StoryLine {
  /** Since the upgrade. */
  readonly seconds: number;
  readonly words: string;
  /** Percent of the traffic that the new revision had. */
  readonly weight: number;
}

const mostLines = 60;

/** For an operator's verdict: its own words over time. */
export function summarizeOperated(given: Pick<Inputs, 'release' | 'namespace'>, { story, ...told }: Headed & { readonly story: readonly StoryLine[] }): string {
  return [summarizeBriefly(given, told), ...table(['seconds', 'status'], story.slice(-mostLines).map(({ seconds, words }) => [String(seconds), prose(words)]))].join('\n');
}
