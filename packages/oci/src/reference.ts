// SPDX-License-Identifier: Apache-2.0
// References as people write them: registry/repository with tag or digest.
import { Failure, isDigest, parseRepositoryName, type RepositoryName } from '@pratique/core';

/** A reference in parts; `reference` is a tag or a digest. */
export interface Reference extends RepositoryName {
  readonly reference: string;
}

const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Whether `text` is a tag (distribution-spec 1.1, pulling-manifests). */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Reads `registry/repository:tag`, `registry/repository@digest` or both (the digest wins). Without either the tag is `latest`. Fails with `INPUT_INVALID`. */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const repository = parseRepositoryName(tagged ? name.slice(0, colon) : name);
  const reference = at >= 0 ? text.slice(at + 1) : tagged ? name.slice(colon + 1) : 'latest';
  if (at >= 0 ? isDigest(reference) : isTag(reference)) return { ...repository, reference };
  throw new Failure({ code: 'INPUT_INVALID', message: `"${text}" has neither a tag nor a digest that can be read`, hint: 'Write registry/repository:tag or registry/repository@sha256:….' });
}
