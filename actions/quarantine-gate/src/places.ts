// SPDX-License-Identifier: Apache-2.0
// Which repositories a mode of quarantine works on, and what each mode may give.
import { Failure, type PinnedImage, type RepositoryName } from '@pratique/core';

/** The three ways in which an image is held. */
export type QuarantineMode = 'repository' | 'acr-native' | 'none';

export interface Places {
  readonly image: PinnedImage;
  readonly release: RepositoryName;
  readonly quarantine: QuarantineMode;
  readonly channel: 'release' | 'preview';
  readonly 'quarantine-retention-days': number;
}

/** Fails with `INPUT_INVALID` when the inputs contradict each other. */
export function checkPlaces(given: Places): void {
  const { image, release, quarantine } = given;
  const one = image.registry === release.registry && image.repository === release.repository;
  const refuse = (message: string, hint: string): never => {
    throw new Failure({ code: 'INPUT_INVALID', message, hint });
  };
  // An image that were released where it waits would never have been in quarantine.
  if (quarantine === 'repository' && one) refuse(`release names the repository in which the image waits: ${release.registry}/${release.repository}`, 'Keep released images in a repository of their own: the one that cluster identities may read.');
  if (quarantine !== 'repository' && !one) refuse(`with quarantine: ${quarantine} the image stays where it is, but release names ${release.registry}/${release.repository}`, `Set release to ${image.registry}/${image.repository}, or use quarantine: repository.`);
  if (quarantine === 'none' && given.channel === 'release') refuse('quarantine: none never yields a release: nothing held the image back before it was judged', 'Set channel: preview to try it out; for releases use quarantine: repository or acr-native.');
  if (quarantine !== 'repository' && given['quarantine-retention-days'] > 0) refuse(`quarantine-retention-days removes copies from a quarantine repository; with quarantine: ${quarantine} there is none`, 'Leave it out.');
}
