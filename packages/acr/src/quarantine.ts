// SPDX-License-Identifier: Apache-2.0
// ACR's quarantine policy (preview): reading and setting the mark of a manifest. No SDK has it: raw calls to /acr/v1.
import { Failure, isJsonObject, parseJsonObject, stripControl, type Digest, type JsonObject } from '@pratique/core';
import { repositoryScope, type Registry } from '@pratique/oci';
import { decodeDetails, encodeDetails, ourScanner, type QuarantineDetails } from './quarantine-details.ts';
import { quarantineRoleHint } from './role-hint.ts';

/** The mark of a manifest. */
export interface QuarantineState {
  /** What the registry shows while nobody decided is not documented: everything but the two words is `pending`. */
  readonly state: 'Passed' | 'Failed' | 'pending';
  /** `scanner` of the details, at most 100 characters; absent when there is none. */
  readonly scanner?: string;
  /** Whether the details name us. No proof of anything. */
  readonly ours: boolean;
}

/** Marks of one registry. Fails with `ACR_ROLE_MISSING` (the hint is the role assignment), `ACR_QUARANTINED`, `REGISTRY_*`. */
export interface Quarantine {
  state(repository: string, digest: Digest): Promise<QuarantineState>;
  /** Marks `Passed`: everybody with a role may pull it, and the tags that wait are moved. Children and referrers have marks of their own. */
  release(repository: string, digest: Digest, details: QuarantineDetails): Promise<void>;
  /** Marks `Failed`: it stays held. */
  refuse(repository: string, digest: Digest, details: QuarantineDetails): Promise<void>;
}

/** Marks over an authorised registry. `assignee` stands in the hint. */
export function createQuarantine(oci: Registry, assignee: string | undefined): Quarantine {
  const path = (repository: string, digest: Digest): string => `/acr/v1/${encodeURIComponent(repository)}/_manifests/${encodeURIComponent(digest)}`;
  const patch = async (repository: string, digest: Digest, body: JsonObject): Promise<void> => {
    const call = { method: 'PATCH', path: path(repository, digest), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    try {
      await oci.request({ ...call, scopes: [repositoryScope(repository, 'metadata_write')] });
    } catch (thrown) {
      if (!isForbidden(thrown)) throw thrown;
      // Microsoft's older recipe asks for these two; which of them a registry wants is not documented.
      await withRoleHint(() => oci.request({ ...call, scopes: [repositoryScope(repository, 'pull,push')] }), { oci, assignee });
    }
  };
  return {
    async state(repository, digest) {
      const reply = await oci.request({ method: 'GET', path: path(repository, digest), scopes: [repositoryScope(repository, 'metadata_read')] });
      return readState(parseJsonObject(await reply.text(), `the properties of ${oci.registry}/${repository}@${digest}`, 'REGISTRY_PROTOCOL'));
    },
    release: (repository, digest, details) => patch(repository, digest, { quarantineState: 'Passed', quarantineDetails: encodeDetails(details) }),
    refuse: (repository, digest, details) => patch(repository, digest, { quarantineState: 'Failed', quarantineDetails: encodeDetails(details) }),
  };
}

function readState({ manifest }: JsonObject): QuarantineState {
  const attributes = isJsonObject(manifest) && isJsonObject(manifest['changeableAttributes']) ? manifest['changeableAttributes'] : {};
  const { quarantineState: state, quarantineDetails } = attributes;
  const scanner = decodeDetails(quarantineDetails)?.['scanner'];
  return {
    state: state === 'Passed' || state === 'Failed' ? state : 'pending', ours: scanner === ourScanner,
    ...(typeof scanner === 'string' ? { scanner: stripControl(scanner).slice(0, 100) } : {}),
  };
}

function isForbidden(thrown: unknown): thrown is Failure {
  return thrown instanceof Failure && (thrown.code === 'REGISTRY_FORBIDDEN' || thrown.code === 'ACR_ROLE_MISSING');
}

async function withRoleHint(call: () => Promise<unknown>, { oci, assignee }: { readonly oci: Registry; readonly assignee: string | undefined }): Promise<void> {
  try {
    await call();
  } catch (thrown) {
    if (!isForbidden(thrown)) throw thrown;
    throw new Failure({ code: 'ACR_ROLE_MISSING', message: thrown.message, hint: quarantineRoleHint({ registry: oci.registry, assignee }), facts: thrown.facts, cause: thrown });
  }
}
