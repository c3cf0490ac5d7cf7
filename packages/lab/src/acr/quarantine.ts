// SPDX-License-Identifier: Apache-2.0
// ACR's quarantine (preview): pushed manifests are held until somebody with the right marks them (AzureCR/QuarantinePattern-Spec; Azure/acr docs/preview/quarantine). What no public source tells is a switch.
import type { JsonObject } from '@pratique/core';
import type { QuarantineSettings } from './quarantine-policy.ts';
import type { ManifestRecord, Repository, TagRecord } from './records.ts';
import { manifestUnknown, Refusal } from './refusal.ts';
import { requireUnlocked, resolve, type Ask, type Registry } from './registry.ts';

/** A change of state, as the release call asks for it. */
export interface QuarantineChange {
  readonly quarantineState?: 'Passed' | 'Failed';
  readonly quarantineDetails?: string;
}

/** Whether the manifest is held: the policy is on, and nobody marked it `Passed`. */
export function isHeld({ enabled }: QuarantineSettings, record: ManifestRecord | undefined): boolean {
  return enabled && record?.quarantineState !== 'Passed';
}

/** Refuses a pull of what is held: by tag as if it did not exist, by digest unless the caller may read the quarantine. */
export function requireReleased({ quarantine }: Registry, ask: Ask, record: ManifestRecord): void {
  if (!isHeld(quarantine, record)) return;
  if (!ask.reference.includes(':')) throw manifestUnknown(ask.reference);
  if (ask.caller.quarantine !== 'none' || (quarantine.pushersRead && ask.caller.couldPush(ask.name))) return;
  throw new Refusal({ status: quarantine.blockedStatus, code: 'IMAGE_QUARANTINED', message: 'The image is quarantined.', detail: {} });
}

/** The two members as `changeableAttributes` shows them. */
export function quarantineView({ enabled, pendingState }: QuarantineSettings, record: ManifestRecord): QuarantineChange | { quarantineState: string } {
  const { quarantineState = enabled ? pendingState : undefined, quarantineDetails } = record;
  return { ...(quarantineState === undefined ? {} : { quarantineState }), ...(quarantineDetails === undefined ? {} : { quarantineDetails }) };
}

/** Reads the two members of a PATCH. Refuses with `INVALID_BODY`. */
export function readQuarantineChange({ quarantineState: state, quarantineDetails: details }: JsonObject): QuarantineChange {
  const invalid = (message: string): Refusal => new Refusal({ status: 400, code: 'INVALID_BODY', message });
  if (state !== undefined && state !== null && state !== 'Passed' && state !== 'Failed') throw invalid('quarantineState must be Passed or Failed');
  if (details !== undefined && details !== null && typeof details !== 'string') throw invalid('quarantineDetails must be a string');
  return { ...(state === 'Passed' || state === 'Failed' ? { quarantineState: state } : {}), ...(typeof details === 'string' ? { quarantineDetails: details } : {}) };
}

/** Refuses whoever may not mark images. Which answer the service gives is not public; this is the one of its network rules. */
export function requireMarker({ caller }: Ask, change: QuarantineChange): void {
  if (Object.keys(change).length > 0 && caller.quarantine !== 'write') throw new Refusal({ status: 403, code: 'DENIED', message: 'requested access to the resource is denied', detail: {} });
}

/** Gives the tags now, or lets them wait on the record until the release. Fires the webhooks of a push. */
export async function tagOrHold(registry: Registry, ask: Ask, { record, tags, time }: { record: ManifestRecord; tags: readonly string[]; time: string }): Promise<void> {
  const { store, quarantine } = registry;
  if (isHeld(quarantine, record) || (quarantine.enabled && quarantine.repushHolds)) {
    const { quarantineState, ...unmarked } = record;
    const held = quarantine.repushHolds || quarantineState === undefined ? unmarked : record;
    await store.putManifest(ask.name, { ...held, waitingTags: [...new Set([...(record.waitingTags ?? []), ...tags])] });
    registry.announce(ask, 'quarantine', { record, tags });
    return;
  }
  for (const tag of tags) await store.putTag(ask.name, movedTag(store.find(ask.name), tag, { record, time }));
  if (!quarantine.enabled) registry.announce(ask, 'quarantine', { record, tags });
  registry.announce(ask, 'push', { record, tags });
}

/** Stores a marked record; with the change to `Passed` the tags that waited are created or moved, and the webhook `push` fires. */
export async function storeMarked(registry: Registry, ask: Ask, { before, record }: { before: ManifestRecord; record: ManifestRecord }): Promise<void> {
  const { store, quarantine } = registry;
  const released = isHeld(quarantine, before) && !isHeld(quarantine, record);
  const { waitingTags = [], ...rest } = record;
  if (!released) return store.putManifest(ask.name, record);
  const repository = store.find(ask.name);
  requireUnlocked('write', ...waitingTags.map((tag) => repository?.tags.get(tag)));
  await store.putManifest(ask.name, rest);
  for (const tag of waitingTags) await store.putTag(ask.name, movedTag(repository, tag, { record, time: record.lastUpdateTime }));
  registry.announce(ask, 'push', { record, tags: waitingTags });
}

function movedTag(repository: Repository | undefined, name: string, { record, time }: { record: ManifestRecord; time: string }): TagRecord {
  return { createdTime: time, changeableAttributes: { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true }, ...repository?.tags.get(name), name, digest: record.digest, lastUpdateTime: time };
}

/** The state that a tag shows: that of its manifest, once there is one. */
export function tagState(repository: Repository, tag: TagRecord): { quarantineState?: string } {
  const digest = resolve(repository, tag.name);
  const state = digest && repository.manifests.get(digest)?.quarantineState;
  return state === undefined ? {} : { quarantineState: state };
}
