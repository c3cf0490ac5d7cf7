// SPDX-License-Identifier: Apache-2.0
// What every route gets: the registry's store and switches, and the request as the router read it.
import { isDigest, type Digest } from '@pratique/core';
import type { Caller } from './authorization.ts';
import type { QuarantineSettings } from './quarantine-policy.ts';
import { locked, nameUnknown } from './refusal.ts';
import type { Attributes, ManifestRecord, Repository } from './records.ts';
import type { Store } from './store.ts';
import type { WebhookAction } from './webhooks.ts';

/** The registry as its routes see it. */
export interface Registry {
  readonly store: Store;
  readonly loginServer: string;
  /** Largest page of any list when the client names no size. */
  readonly pageSize: number;
  /** False on registries with customer-managed keys: the referrers API answers 404 there. */
  readonly referrers: boolean;
  /** Where blobs are read, when that is another host. */
  readonly blobUrl: ((digest: Digest) => string) | undefined;
  readonly quarantine: QuarantineSettings;
  /** Tells the webhooks. */
  announce(ask: Ask, action: WebhookAction, what: { readonly record: ManifestRecord; readonly tags: readonly string[] }): void;
}

/** One authorised request. */
export interface Ask {
  readonly request: Request;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Repository; empty where the route has none. */
  readonly name: string;
  /** Tag, digest or upload id; empty where the route has none. */
  readonly reference: string;
  readonly caller: Caller;
}

/** A route's work. */
export type Route = (registry: Registry, ask: Ask) => Promise<Response>;

/** distribution-spec 1.1, "Pulling manifests": what a tag looks like. */
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The repository, or the refusal that it is unknown. */
export function existing(registry: Registry, name: string): Repository {
  const repository = registry.store.find(name);
  if (!repository) throw nameUnknown(name);
  return repository;
}

/** The digest that a tag or digest names in a repository; `undefined` when nothing does. */
export function resolve(repository: Repository | undefined, reference: string): Digest | undefined {
  if (!isDigest(reference)) return repository?.tags.get(reference)?.digest;
  return repository?.manifests.has(reference) ? reference : undefined;
}

/** Refuses when one of the objects is locked for this. A write lock also forbids deletion (Microsoft Learn, "Lock a container image"). */
export function requireUnlocked(action: 'read' | 'write' | 'delete', ...objects: readonly ({ readonly changeableAttributes: Attributes } | undefined)[]): void {
  for (const object of objects) {
    const attributes = object?.changeableAttributes;
    if (!attributes) continue;
    if (action === 'read' && !attributes.readEnabled) throw locked();
    if (action === 'write' && !attributes.writeEnabled) throw locked();
    if (action === 'delete' && !(attributes.deleteEnabled && attributes.writeEnabled)) throw locked();
  }
}
