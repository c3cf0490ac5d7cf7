// SPDX-License-Identifier: Apache-2.0
// Failure codes: registries (distribution API) and OCI layouts.
import type { FailureCodeEntry } from './entry.ts';

export const registryCodes = {
  REGISTRY_UNAUTHORIZED: { kind: 'usage', when: 'The registry does not accept the credentials.', mend: 'Check client id, tenant and federated credential.' },
  REGISTRY_FORBIDDEN: { kind: 'usage', when: 'The identity may not do this on the repository.', mend: 'Assign the role that the hint names.' },
  REGISTRY_NOT_FOUND: { kind: 'usage', when: 'The registry has no such manifest, tag, blob or repository.', mend: 'Check the reference; an image in quarantine has no tag, only its digest.' },
  REGISTRY_UNAVAILABLE: { kind: 'unavailable', when: 'The registry did not answer, answered 5xx, or broke off.', mend: 'Run it again; uploads are resumed or repeated, nothing is half done.' },
  REGISTRY_THROTTLED: { kind: 'unavailable', when: 'The registry answered 429 until the retry budget was spent.', mend: 'Run it again later, or with less in parallel.' },
  REGISTRY_PROTOCOL: { kind: 'defect', when: 'The registry answered something that the distribution specification does not allow.', mend: 'Check that the address is a registry and no proxy rewrites it.' },
  REGISTRY_DIGEST_MISMATCH: { kind: 'refused', when: 'Bytes do not have the digest under which they were asked for or sent, or a layout holds another image than was built.', mend: 'Do not use them. Find out who changed them on the way.' },
  REGISTRY_LOCKED: { kind: 'refused', when: 'The manifest, tag or repository is locked.', mend: 'Unlock it on purpose if this change is wanted.' },
  REGISTRY_TOO_LARGE: { kind: 'refused', when: 'A manifest or document is larger than what is accepted.', mend: 'Find out who wrote it; manifests are limited to 4 MiB.' },
  LAYOUT_INVALID: { kind: 'usage', when: 'A folder is not a whole OCI image layout.', mend: 'Build it again into an empty folder.' },
} as const satisfies Record<string, FailureCodeEntry>;
