// SPDX-License-Identifier: Apache-2.0
// Failure codes: building and testing.
import type { FailureCodeEntry } from './entry.ts';

export const buildCodes = {
  BUILD_DOCKERFILE_MISSING: { kind: 'usage', when: 'There is no Dockerfile where the input says.', mend: 'Set the inputs context and dockerfile.' },
  BUILD_FAILED: { kind: 'usage', when: 'The image could not be built.', mend: 'Read the last lines of the build.' },
  BUILD_BUILDER_UNFIT: { kind: 'usage', when: 'The docker buildx builder cannot be reached, or its driver (docker) writes no OCI layout.', mend: 'Make a builder that can: docker buildx create --driver docker-container --use. Or set builder: buildah.' },
  BUILD_TESTS_FAILED: { kind: 'refused', when: 'The test stage of the Dockerfile failed.', mend: 'Mend the code or the tests; nothing was pushed.' },
  BUILD_EARLY_REFUSED: { kind: 'refused', when: 'The early look finds what the policy does not let pass; the image is not pushed.', mend: 'Mend the findings, or set push-refused to look at the image in quarantine.' },
  BUILD_PLATFORM_MISMATCH: { kind: 'refused', when: 'An image says one platform and holds another, or a platform is missing.', mend: 'Write FROM --platform=$TARGETPLATFORM on the final stage.' },
  BUILD_SECRET_MISSING: { kind: 'usage', when: 'A build secret names a variable that is not set.', mend: 'Set the variable in the env of the step.' },
  BUILD_EVIDENCE_INVALID: { kind: 'refused', when: 'The evidence manifest does not fit the image or lacks a part.', mend: 'Run the phases again; they must all work on one layout.' },
  VERSION_INVALID: { kind: 'usage', when: 'The version is not a semantic version, or not the one that a layout carries.', mend: 'Write MAJOR.MINOR.PATCH, for example 1.2.0; a leading v is taken off.' },
} as const satisfies Record<string, FailureCodeEntry>;
