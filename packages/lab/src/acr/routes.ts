// SPDX-License-Identifier: Apache-2.0
// The table of routes: which method and path does what, what it needs, and what it counts as for throttling.
import { deleteBlob, readBlob } from './blobs.ts';
import type { Need } from './authorization.ts';
import type { QuarantineSettings } from './quarantine-policy.ts';
import { listCatalog, listReferrers, listTags } from './lists.ts';
import { deleteManifest, readManifest, writeManifest } from './manifests.ts';
import * as metadata from './metadata.ts';
import { json, Refusal } from './refusal.ts';
import type { Route } from './registry.ts';
import type { Category } from './throttle.ts';
import type { Uploads } from './uploads.ts';

/** A request that was matched to the table. */
export interface Match {
  readonly route: Route;
  readonly need: Need;
  readonly categories: readonly Category[];
  readonly name: string;
  readonly reference: string;
}

interface Line {
  readonly method: string;
  /** Groups: repository name, then reference. */
  readonly path: RegExp;
  readonly route: Route;
  /** `login`, `catalog`, or actions on the repository. */
  readonly need: 'login' | 'catalog' | readonly string[];
  readonly or?: string;
  readonly categories?: readonly Category[];
}

const categoryOf: Readonly<Record<string, Category>> = { GET: 'read', HEAD: 'read', OPTIONS: 'read', PUT: 'write', PATCH: 'write', POST: 'write', DELETE: 'delete' };
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const longestName = 255;

const pull = ['pull'];
const push = ['pull', 'push'];
const remove = ['delete'];
const readMetadata = ['metadata_read'];
const writeMetadata = ['metadata_write'];
const ping: Route = async () => json({});

/** Finds the line for a request. Refuses unknown paths (404), methods (405) and names (400). */
export type FindRoute = (method: string, pathname: string, releaseScope: QuarantineSettings['releaseScope']) => Match;

/** The router over one registry's upload sessions. */
export function createRouter(uploads: Uploads): FindRoute {
  const lines = createLines(uploads);
  return (method, pathname, releaseScope) => {
    const path = decode(pathname);
    const candidates = lines.flatMap((line) => {
      const groups = line.path.exec(path);
      return groups ? [{ line, groups }] : [];
    });
    // The first line of a path wins over later, wider ones.
    const pattern = candidates[0]?.line.path.source;
    const found = candidates.find(({ line }) => line.path.source === pattern && (line.method === method || (line.method === 'GET' && method === 'HEAD')));
    if (!pattern) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'page not found' });
    if (!found) {
      const allow = candidates.filter(({ line }) => line.path.source === pattern).map(({ line }) => line.method);
      throw new Refusal({ status: 405, code: 'UNSUPPORTED', message: 'The operation is unsupported.', headers: { allow: allow.join(', ') } });
    }
    const [, name = '', reference = ''] = found.groups;
    if (name && (name.length > longestName || !namePattern.test(name))) throw new Refusal({ status: 400, code: 'NAME_INVALID', message: 'invalid repository name', detail: { name } });
    return { route: found.line.route, need: needOf(found.line, name, releaseScope), categories: found.line.categories ?? [categoryOf[method] ?? 'read'], name, reference };
  };
}

// Names and digests may arrive percent-encoded, slashes too: the SDK always encodes.
function decode(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch (error) {
    if (error instanceof URIError) throw new Refusal({ status: 400, code: 'NAME_INVALID', message: 'the path is not well encoded' });
    throw error;
  }
}

function needOf({ need, or, route }: Line, name: string, releaseScope: QuarantineSettings['releaseScope']): Need {
  if (route === metadata.updateManifest) return { type: 'repository', name, actions: releaseScope.split(',') };
  if (need === 'login' || need === 'catalog') return { type: need };
  return { type: 'repository', name, actions: need, ...(or === undefined ? {} : { or }) };
}

function createLines(uploads: Uploads): Line[] {
  return [...distributionLines(uploads), ...metadataLines()];
}

function distributionLines(uploads: Uploads): Line[] {
  const uploadRoot = /^\/v2\/(.+)\/blobs\/uploads\/?$/;
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/;
  const blob = /^\/v2\/(.+)\/blobs\/([^/]+)$/;
  const manifest = /^\/v2\/(.+)\/manifests\/([^/]+)$/;
  return [
    { method: 'GET', path: /^\/v2\/?$/, route: ping, need: 'login' },
    { method: 'GET', path: /^\/v2\/_catalog$/, route: listCatalog('/v2/_catalog'), need: 'catalog' },
    { method: 'POST', path: uploadRoot, route: uploads.start, need: push },
    { method: 'GET', path: upload, route: uploads.status, need: push },
    { method: 'PATCH', path: upload, route: uploads.append, need: push },
    { method: 'PUT', path: upload, route: uploads.finish, need: push },
    { method: 'DELETE', path: upload, route: uploads.cancel, need: push },
    { method: 'GET', path: blob, route: readBlob, need: pull },
    { method: 'DELETE', path: blob, route: deleteBlob, need: remove },
    { method: 'GET', path: manifest, route: readManifest, need: pull },
    { method: 'PUT', path: manifest, route: writeManifest, need: push },
    { method: 'DELETE', path: manifest, route: deleteManifest, need: remove },
    { method: 'GET', path: /^\/v2\/(.+)\/tags\/list$/, route: listTags, need: readMetadata, or: 'pull' },
    { method: 'GET', path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, route: listReferrers, need: pull, categories: ['referrers', 'read'] },
  ];
}

function metadataLines(): Line[] {
  const tag = /^\/acr\/v1\/(.+)\/_tags\/([^/]+)$/;
  const manifest = /^\/acr\/v1\/(.+)\/_manifests\/([^/]+)$/;
  const repository = /^\/acr\/v1\/(.+)$/;
  return [
    { method: 'GET', path: /^\/acr\/v1\/_catalog$/, route: listCatalog('/acr/v1/_catalog'), need: 'catalog' },
    { method: 'GET', path: /^\/acr\/v1\/(.+)\/_tags$/, route: metadata.listTagMetadata, need: readMetadata },
    { method: 'GET', path: tag, route: metadata.readTag, need: readMetadata },
    { method: 'PATCH', path: tag, route: metadata.updateTag, need: writeMetadata },
    { method: 'DELETE', path: tag, route: metadata.deleteTag, need: remove },
    { method: 'GET', path: /^\/acr\/v1\/(.+)\/_manifests$/, route: metadata.listManifestMetadata, need: readMetadata },
    { method: 'GET', path: manifest, route: metadata.readManifestMetadata, need: readMetadata },
    { method: 'PATCH', path: manifest, route: metadata.updateManifest, need: writeMetadata },
    { method: 'DELETE', path: manifest, route: metadata.deleteManifestMetadata, need: remove },
    { method: 'GET', path: repository, route: metadata.readRepository, need: readMetadata },
    { method: 'PATCH', path: repository, route: metadata.updateRepository, need: writeMetadata },
    { method: 'DELETE', path: repository, route: metadata.deleteRepository, need: remove },
  ];
}
