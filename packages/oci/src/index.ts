// SPDX-License-Identifier: Apache-2.0
// Public names of oci: registries and layouts as sources and targets of content, graph copy, images.
export type { AuthorizationRequest, Authenticator, TokenCall, TokenReply } from './authentication.ts';
export type { Challenge } from './challenge.ts';
export type { BlobOutcome, ContentSource, ContentTarget, OpenContent, Origin, Repository } from './content.ts';
export { copyGraph, type CopyOptions, type CopyProgress, type CopyResult } from './copy.ts';
export { emptyBlob, isIndexType, mediaTypes, type Descriptor, type Manifest, type ManifestContent } from './descriptor.ts';
export { readImage, type Image } from './image.ts';
export { createLayout, openLayout, type Layout } from './layout.ts';
export { buildManifest, hashBytes, type BuiltManifest } from './manifest.ts';
export { parseReference, type Reference } from './reference.ts';
export { networkFailure, readRetryAfter, registryFailure, type RefusedReply } from './registry-failure.ts';
export { createRegistry, type Registry, type RegistryOptions, type RegistryRequest } from './registry.ts';
export { repositoryScope } from './scope.ts';
export {
  anonymousAuthenticator, createGrantCache, jwtClaims, readGrant, staticCredentials, tokenAuthenticator,
  type Credentials, type CredentialsSource, type Grant, type GrantCache,
} from './token-authenticator.ts';
export { readAll, streamOf } from './verified-stream.ts';
