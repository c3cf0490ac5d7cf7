// SPDX-License-Identifier: Apache-2.0
// What helm recorded of a release, read from its Secrets without helm (helm.sh/helm/v4 pkg/storage/driver: base64 of gzip of JSON, in data.release).
import { gunzipSync } from 'node:zlib';
import { Failure, parseJsonObject } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { kinds, numberOf, textMapOf, textOf, type KubeObject } from '../client/object.ts';

const statuses = ['unknown', 'deployed', 'uninstalled', 'superseded', 'failed', 'uninstalling', 'pending-install', 'pending-upgrade', 'pending-rollback'] as const;

/** Where a revision stands. */
export type ReleaseStatus = (typeof statuses)[number];

/** One revision, as its Secret's labels tell it: nothing needs to be unpacked. */
export interface ReleaseRevision {
  readonly release: string;
  readonly revision: number;
  readonly status: ReleaseStatus;
  /** Name, uid and version of the Secret. */
  readonly secret: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  /** When the record was last written. */
  readonly modifiedAt: Date;
}

/** What a revision holds. */
export interface ReleaseRecord {
  readonly name: string;
  readonly namespace: string;
  readonly revision: number;
  readonly status: ReleaseStatus;
  readonly description: string;
  readonly chart: { readonly name: string; readonly version: string };
  /** Rendered YAML without hooks. It may hold Secrets: never print it. */
  readonly manifest: string;
  readonly appliedBy: 'server' | 'client';
}

const mostBytes = 32 * 1024 * 1024;
const isStatus = (text: string): text is ReleaseStatus => (statuses as readonly string[]).includes(text);
const invalid = (secret: KubeObject, problem: string, cause?: unknown): Failure => new Failure({ code: 'HELM_RELEASE_INVALID', message: `the Secret ${secret.metadata.name}: ${problem}`, ...(cause === undefined ? {} : { cause }) });

/** Whether helm left the revision in the middle of an operation. */
export function isPending(status: ReleaseStatus): boolean {
  return status.startsWith('pending-') || status === 'uninstalling';
}

/** All revisions of a release, oldest first; empty when there is none. */
export async function listRevisions(cluster: Pick<Cluster, 'list'>, release: string, namespace?: string): Promise<readonly ReleaseRevision[]> {
  const { items } = await cluster.list({ ...kinds.secret, labelSelector: `owner=helm,name=${release}`, ...(namespace === undefined ? {} : { namespace }) });
  return items.filter((secret) => secret['type'] === 'helm.sh/release.v1').map(readRevision).sort((a, b) => a.revision - b.revision);
}

/** What a revision holds. Fails with `HELM_RELEASE_INVALID`, also when there is no such revision. */
export async function getRelease(cluster: Pick<Cluster, 'get'>, release: string, revision: number): Promise<ReleaseRecord> {
  const secret = await cluster.get({ ...kinds.secret, name: `sh.helm.release.v1.${release}.v${revision}` });
  if (secret !== undefined) return readRelease(secret);
  throw new Failure({ code: 'HELM_RELEASE_INVALID', message: `the release ${release} has no revision ${revision}`, hint: `helm history ${release}` });
}

function readRevision(secret: KubeObject): ReleaseRevision {
  const { name, uid = '', resourceVersion = '', creationTimestamp = '' } = secret.metadata;
  const labels = textMapOf(secret, 'metadata', 'labels');
  const revision = Number(labels['version']);
  const status = labels['status'] ?? '';
  if (!Number.isSafeInteger(revision) || revision < 1 || !isStatus(status)) throw invalid(secret, 'its labels name no revision or status that helm has');
  const seconds = Number(labels['modifiedAt'] ?? labels['createdAt']);
  return { release: labels['name'] ?? '', revision, status, secret: { name, uid, resourceVersion }, modifiedAt: Number.isFinite(seconds) ? new Date(seconds * 1000) : new Date(creationTimestamp) };
}

/** Unpacks the Secret of a revision; at most 32 MiB. Fails with `HELM_RELEASE_INVALID`. */
export function readRelease(secret: KubeObject): ReleaseRecord {
  const outer = textOf(secret, 'data', 'release');
  if (outer === '') throw invalid(secret, 'it holds no release');
  const record = parseJsonObject(unpack(secret, outer), `the release in ${secret.metadata.name}`, 'HELM_RELEASE_INVALID');
  const status = textOf(record, 'info', 'status');
  const revision = numberOf(record, 'version');
  if (!isStatus(status) || revision === undefined) throw invalid(secret, 'the release has no status or version');
  return {
    name: textOf(record, 'name'), namespace: textOf(record, 'namespace'), revision, status, description: textOf(record, 'info', 'description'),
    chart: { name: textOf(record, 'chart', 'metadata', 'name'), version: textOf(record, 'chart', 'metadata', 'version') },
    manifest: textOf(record, 'manifest'), appliedBy: textOf(record, 'apply_method') === 'ssa' ? 'server' : 'client',
  };
}

function unpack(secret: KubeObject, outer: string): Uint8Array {
  // The API encodes data in base64, and helm did so once before.
  const bytes = Buffer.from(Buffer.from(outer, 'base64').toString('latin1'), 'base64');
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw invalid(secret, 'the release cannot be unpacked, or is larger than 32 MiB', cause);
  }
}
