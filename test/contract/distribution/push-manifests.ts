// SPDX-License-Identifier: Apache-2.0
// Requirements of the section "Pushing Manifests".
import { codeOf, seen, sha, types, unknownDigest, type Requirement } from './probe.ts';

const limit = 4 * 1024 * 1024;
const missing = { mediaType: types.octets, digest: unknownDigest, size: 1 };

/** distribution-spec 1.1, "Pushing Manifests". */
export const pushManifestRequirements: readonly Requirement[] = [
  {
    id: 'put-1', level: 'MUST', says: 'PUT by tag is 201 with a Location that can be pulled and the digest',
    observe: async ({ send, pushImage }) => {
      const { reply, digest, text } = await pushImage('p1', { tag: 'v1' });
      const again = await send('GET', new URL(reply.headers.get('location') ?? '', reply.url).href, { headers: { accept: types.image } });
      return [reply.status, reply.headers.get('docker-content-digest') === digest, (await again.text()) === text];
    },
    expected: [201, true, true],
  },
  {
    id: 'put-2', level: 'MUST', says: 'PUT by digest is 201; the bytes are kept as they came, white space and order included',
    observe: async ({ send, pushImage }) => {
      const { reply, digest, text } = await pushImage('p2', { extra: { zebra: 1, annotations: { b: '2', a: '1' } } });
      return [reply.status, (await (await send('GET', `/manifests/${digest}`)).text()) === text];
    },
    expected: [201, true],
  },
  {
    id: 'put-3', level: 'MUST', says: 'PUT by a sha512 digest is kept under it',
    observe: async ({ send, pushImage }) => {
      const { text } = await pushImage('p3');
      const digest = sha(text, 'sha512');
      const reply = await send('PUT', `/manifests/${digest}`, { body: text, headers: { 'content-type': types.image } });
      const again = await send('GET', `/manifests/${digest}`);
      return [reply.status, reply.headers.get('docker-content-digest') === digest, again.headers.get('docker-content-digest') === digest, (await again.text()) === text];
    },
    expected: [201, true, true, true],
  },
  {
    id: 'put-4', level: 'MUST', says: 'a manifest that does not match the digest it is PUT under is 400 and not kept',
    observe: async ({ send, pushImage }) => {
      const { text } = await pushImage('p4');
      const reply = await send('PUT', `/manifests/${unknownDigest}`, { body: text, headers: { 'content-type': types.image } });
      return [reply.status, await codeOf(reply), (await send('HEAD', `/manifests/${unknownDigest}`)).status];
    },
    expected: [400, 'DIGEST_INVALID', 404],
  },
  {
    id: 'put-5', level: 'MUST', says: 'a reference that is neither tag nor digest is 400',
    observe: async ({ send, pushImage }) => {
      const { text } = await pushImage('p5');
      const put = async (reference: string): Promise<number> => (await send('PUT', `/manifests/${reference}`, { body: text, headers: { 'content-type': types.image } })).status;
      return [await put('.dot'), await put('x'.repeat(129)), await put('sha256:short'), await put('x'.repeat(128)), await put('_Under.score-9')];
    },
    expected: [400, 400, 400, 201, 201],
  },
  {
    id: 'put-6', level: 'MUST', says: 'a missing blob or child manifest is MANIFEST_BLOB_UNKNOWN',
    observe: async ({ put, pushBlob }) => {
      const config = { ...(await pushBlob('{}')), mediaType: types.empty };
      const layer = (await put({ config, layers: [missing] })).reply;
      const noConfig = (await put({ config: missing, layers: [] })).reply;
      const child = (await put({ manifests: [{ ...missing, mediaType: types.image }] })).reply;
      return [layer.status, await codeOf(layer), await codeOf(noConfig), await codeOf(child)];
    },
    expected: [400, 'MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN'],
  },
  {
    id: 'put-7', level: 'MUST', says: 'layers that are kept elsewhere need not be present',
    observe: async ({ put, pushBlob }) => {
      const config = { ...(await pushBlob('{}')), mediaType: types.empty };
      return (await put({ config, layers: [{ ...missing, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar', urls: ['https://example.com/layer'] }] })).reply.status;
    },
    expected: 201,
  },
  {
    id: 'put-8', level: 'SHOULD', says: 'what is not a manifest, and a type that contradicts the content, are 400',
    observe: async ({ send, pushImage }) => {
      const { text } = await pushImage('p8');
      const put = async (body: string, type: string): Promise<unknown> => codeOf(await send('PUT', '/manifests/v1', { body, headers: { 'content-type': type } }));
      return [await put('not json', types.image), await put('[]', types.image), await put(text, types.index), await put('{"schemaVersion":2,"layers":{}}', types.image)];
    },
    expected: ['MANIFEST_INVALID', 'MANIFEST_INVALID', 'MANIFEST_INVALID', 'MANIFEST_INVALID'],
  },
  {
    id: 'put-9', level: 'MUST', says: 'indexes, nested indexes and an index of nothing are kept',
    observe: async ({ put, pushImage }) => {
      const child = await pushImage('p9');
      const { mediaType, digest, size } = child;
      const index = await put({ manifests: [{ mediaType, digest, size, platform: { os: 'linux', architecture: 'amd64' } }] }, 'index');
      const nested = await put({ manifests: [{ mediaType: types.index, digest: index.digest, size: index.size }] }, 'nested');
      return [index.reply.status, nested.reply.status, (await put({ manifests: [] }, 'empty')).reply.status];
    },
    expected: [201, 201, 201],
  },
  {
    id: 'put-10', level: 'MUST', says: 'an artifact with the empty config, and an image without layers, are kept',
    observe: async ({ put, pushBlob }) => {
      const config = { ...(await pushBlob('{}')), mediaType: types.empty };
      return [(await put({ artifactType: 'application/x', config, layers: [config] })).reply.status, (await put({ config, layers: [] })).reply.status];
    },
    expected: [201, 201],
  },
  {
    id: 'put-11', level: 'MUST', says: 'a tag that is PUT again names the new manifest; the old one stays by digest',
    observe: async ({ send, pushImage }) => {
      const old = await pushImage('p11a', { tag: 'v1' });
      const now = await pushImage('p11b', { tag: 'v1' });
      return [(await send('HEAD', '/manifests/v1')).headers.get('docker-content-digest') === now.digest, (await send('HEAD', `/manifests/${old.digest}`)).status];
    },
    expected: [true, 200],
  },
  {
    id: 'size-1', level: 'SHOULD', says: 'a manifest of four megabytes is kept',
    observe: async ({ put, pushBlob }) => {
      const config = { ...(await pushBlob('{}')), mediaType: types.empty };
      return (await put({ config, layers: [], annotations: { big: 'x'.repeat(4_000_000) } })).reply.status;
    },
    expected: 201,
  },
  {
    id: 'size-2', level: 'SHOULD', says: 'a manifest over the limit is 413, whether its length is announced or not',
    observe: async ({ put, send, repository }) => {
      const announced = (await put({ annotations: { big: 'x'.repeat(limit) } })).reply.status;
      const { url } = await send('GET', '//v2/');
      const chunks = new ReadableStream({
        start(controller) {
          for (let count = 0; count < 5; count += 1) controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
          controller.close();
        },
      });
      const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body: chunks, duplex: 'half', headers: { 'content-type': types.image } };
      return [announced, (await fetch(new URL(`/v2/${repository}/manifests/v1`, url), init)).status];
    },
    expected: [413, 413],
  },
  {
    id: 'subject-1', level: 'MUST', says: 'a subject that does not exist is accepted, and OCI-Subject names it',
    observe: async ({ pushImage }) => seen((await pushImage('s1', { extra: { subject: { ...missing, mediaType: types.image } } })).reply, 'oci-subject'),
    expected: [201, unknownDigest],
  },
  {
    id: 'subject-2', level: 'MUST', says: 'an index may have a subject; without a subject there is no OCI-Subject',
    observe: async ({ put, pushImage }) => [
      seen((await put({ manifests: [], subject: { ...missing, mediaType: types.image } })).reply, 'oci-subject'), seen((await pushImage('s2')).reply, 'oci-subject'),
    ],
    expected: [[201, unknownDigest], [201, null]],
  },
  {
    id: 'tags-1', level: 'MUST', says: 'PUT by digest with tag parameters sets each and names each in OCI-Tag',
    observe: async ({ send, pushImage }) => {
      const { digest, text } = await pushImage('t1');
      const names = Array.from({ length: 10 }, (_, index) => `t${index}`);
      const reply = await send('PUT', `/manifests/${digest}?${names.map((name) => `tag=${name}`).join('&')}`, { body: text, headers: { 'content-type': types.image } });
      const tags = (await (await send('GET', '/tags/list')).json()) as { tags: string[] };
      return [reply.status, reply.headers.get('oci-tag')?.split(', ').length, tags.tags];
    },
    expected: [201, 10, ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9']],
  },
];
