// SPDX-License-Identifier: Apache-2.0
// Serves layouts read-only as a registry (distribution-spec 1.1, pull): what a mirror of the vulnerability database needs, and no more.
import { isDigest } from '@pratique/core';
import type { Handler } from '@pratique/lab';
import type { Layout } from '@pratique/oci';

/** A registry of the given repositories. */
export function serveLayout(repositories: Readonly<Record<string, Layout>>): Handler {
  return async (request) => {
    const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(new URL(request.url).pathname) ?? [];
    const layout = repositories[name];
    if (new URL(request.url).pathname === '/v2/') return new Response('{}');
    if (layout === undefined) return Response.json({ errors: [{ code: 'NAME_UNKNOWN' }] }, { status: 404 });
    if (kind === 'blobs' && isDigest(reference)) return new Response(await layout.readBlob({ mediaType: '', digest: reference, size: await sizeOf(layout, reference) }));
    const { bytes, descriptor } = await layout.readManifest(reference);
    const headers = { 'content-type': descriptor.mediaType, 'docker-content-digest': descriptor.digest, 'content-length': String(bytes.byteLength) };
    return new Response(request.method === 'HEAD' ? null : (bytes as Uint8Array<ArrayBuffer>), { headers });
  };
}

async function sizeOf(layout: Layout, digest: string): Promise<number> {
  const [root] = (await layout.readIndex()).manifests ?? [];
  const { content } = await layout.readManifest(root?.digest ?? '');
  return [content.config, ...(content.layers ?? [])].find((descriptor) => descriptor?.digest === digest)?.size ?? 0;
}
