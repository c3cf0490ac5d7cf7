// SPDX-License-Identifier: Apache-2.0
// The words for an image: digests, platforms, and references that name a registry, a repository and a digest.
import { Failure } from './failure.ts';

/** `sha256:` or `sha512:` and lower-case hex (OCI image spec 1.1, descriptor.md#digests). */
export type Digest = `sha256:${string}` | `sha512:${string}`;

/** An image that nobody can swap: registry host (with port), repository and digest. */
export interface PinnedImage {
  readonly registry: string;
  readonly repository: string;
  readonly digest: Digest;
}

/** A repository in a registry; no tag, no digest. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
}

/** OCI platform (image-spec 1.1, image-index.md). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
// distribution-spec 1.1: repository names; a registry is the first component when it has a dot, a port, or is localhost.
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const registryPattern = /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(?=:))(?::[0-9]{1,5})?$/;

/** Whether `text` is a digest that this project accepts (sha256 or sha512). */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && digestPattern.test(text);
}

/** Reads a digest. Fails with `INPUT_INVALID`. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${text}" is not a digest`, hint: 'Write sha256: and 64 lower-case hex digits.' });
}

/** Reads `registry/repository`. Fails with `INPUT_INVALID`. */
export function parseRepositoryName(text: string): RepositoryName {
  const slash = text.indexOf('/');
  const registry = text.slice(0, Math.max(slash, 0));
  const repository = text.slice(slash + 1);
  if (slash > 0 && registryPattern.test(registry) && repositoryPattern.test(repository) && repository.length <= 255) {
    return { registry, repository };
  }
  throw new Failure({
    code: 'INPUT_INVALID',
    message: `"${text}" is not a repository of a registry`,
    hint: 'Write registry/repository without tag or digest, for example contoso.azurecr.io/quarantine/web.',
  });
}

/** Reads `registry/repository@sha256:...`. A tag is refused: tags move. Fails with `INPUT_INVALID`. */
export function parsePinnedImage(text: string): PinnedImage {
  const at = text.lastIndexOf('@');
  if (at < 0 || !isDigest(text.slice(at + 1))) {
    throw new Failure({
      code: 'INPUT_INVALID',
      message: `"${text}" does not name an image by digest`,
      hint: 'Write registry/repository@sha256:…; a tag can be moved to other bytes, a digest cannot.',
    });
  }
  // A tag before the digest says nothing that the digest does not: `repo:tag@sha256:…` is read without it.
  const name = text.slice(0, at).replace(/:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, (tag) => (text.slice(0, at).includes('/') && !tag.includes('/') ? '' : tag));
  return { ...parseRepositoryName(name), digest: parseDigest(text.slice(at + 1)) };
}

/** `registry/repository@digest`. */
export function formatImage(image: PinnedImage): string {
  return `${image.registry}/${image.repository}@${image.digest}`;
}

/** `os/architecture` or `os/architecture/variant`, as `docker build --platform` writes it. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/** Reads `linux/amd64` or `linux/arm/v7`. Fails with `INPUT_INVALID`. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  if (!os || !architecture || rest.length > 0 || !/^[a-z0-9/]+$/.test(text)) {
    throw new Failure({ code: 'INPUT_INVALID', message: `"${text}" is not a platform`, hint: 'Write os/architecture, for example linux/amd64.' });
  }
  return variant ? { os, architecture, variant } : { os, architecture };
}
