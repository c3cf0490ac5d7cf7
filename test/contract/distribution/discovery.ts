// SPDX-License-Identifier: Apache-2.0
// Requirements of the sections "Content Discovery" and "Content Management".
import { codeOf, seen, types, unknownDigest, type Probe, type Pushed, type Requirement } from './probe.ts';

const tagsOf = async (reply: Response): Promise<string[]> => ((await reply.json()) as { tags: string[] }).tags;
const follow = (reply: Response): string => new URL(/^<([^>]+)>; ?rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1] ?? 'http://no-link', reply.url).href;

async function pushTags(probe: Probe, ...tags: string[]): Promise<void> {
  for (const tag of tags) await probe.pushImage('tagged', { tag });
}

interface Listed extends Pushed {
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
}

async function listed(reply: Response): Promise<readonly Listed[]> {
  return ((await reply.json()) as { manifests: Listed[] }).manifests;
}

/** An image, and referrers of it: an artifact, an image, and an index without a type. */
async function pushReferrers(probe: Probe): Promise<{ subject: Pushed; artifact: Pushed; image: Pushed; index: Pushed }> {
  const { mediaType, digest, size } = await probe.pushImage('subject');
  const subject = { mediaType, digest, size };
  const artifact = await probe.pushImage('artifact', { extra: { artifactType: 'application/x', subject, annotations: { who: 'me' } } });
  const image = await probe.pushImage('image', { extra: { subject } });
  return { subject, artifact, image, index: await probe.put({ manifests: [], subject }) };
}

/** distribution-spec 1.1, "Listing Tags" and "Listing Referrers". */
export const discoveryRequirements: readonly Requirement[] = [
  {
    id: 'tags-1', level: 'MUST', says: 'the list of tags is 200 with name and tags in ASCII order',
    observe: async (probe) => {
      await pushTags(probe, 'b', 'A', 'c', '1', '_', 'B');
      const reply = await probe.send('GET', '/tags/list');
      const body = (await reply.json()) as { name: string; tags: string[] };
      return [reply.status, body.name === probe.repository, body.tags];
    },
    expected: [200, true, ['1', 'A', 'B', '_', 'b', 'c']],
  },
  {
    id: 'tags-2', level: 'MUST', says: 'a repository without tags has an empty list; one that does not exist is 404',
    observe: async (probe) => {
      const unknown = (await probe.send('GET', '/tags/list')).status;
      await probe.pushImage('untagged');
      return [unknown, await tagsOf(await probe.send('GET', '/tags/list'))];
    },
    expected: [404, []],
  },
  {
    id: 'tags-3', level: 'MUST', says: 'n limits the list, last begins after a tag, Link leads on, and the last page has none',
    observe: async (probe) => {
      await pushTags(probe, 'a', 'b', 'c', 'd', 'e');
      const first = await probe.send('GET', '/tags/list?n=2');
      const second = await probe.send('GET', follow(first));
      const third = await probe.send('GET', follow(second));
      return [await tagsOf(first), await tagsOf(second), await tagsOf(third), third.headers.get('link')];
    },
    expected: [['a', 'b'], ['c', 'd'], ['e'], null],
  },
  {
    id: 'tags-4', level: 'MUST', says: 'last need not exist, works without n, and a full page that ends the list has no Link',
    observe: async (probe) => {
      await pushTags(probe, 'a', 'b', 'd');
      const reply = await probe.send('GET', '/tags/list?n=1&last=c');
      return [await tagsOf(reply), reply.headers.get('link'), await tagsOf(await probe.send('GET', '/tags/list?last=a')), await tagsOf(await probe.send('GET', '/tags/list?n=9'))];
    },
    expected: [['d'], null, ['b', 'd'], ['a', 'b', 'd']],
  },
  {
    id: 'tags-5', level: 'MUST', says: 'n of zero is an empty list without Link',
    observe: async (probe) => {
      await pushTags(probe, 'a');
      const reply = await probe.send('GET', '/tags/list?n=0');
      return [reply.status, await tagsOf(reply), reply.headers.get('link')];
    },
    expected: [200, [], null],
  },
  {
    id: 'referrers-1', level: 'MUST', says: 'referrers are 200 with an OCI index; never 404, not even for what does not exist',
    observe: async ({ send }) => {
      const reply = await send('GET', `/referrers/${unknownDigest}`);
      return [...seen(reply, 'content-type'), await reply.json()];
    },
    expected: [200, types.index, { schemaVersion: 2, mediaType: types.index, manifests: [] }],
  },
  {
    id: 'referrers-2', level: 'MUST', says: 'an invalid digest is 400',
    observe: async ({ send }) => (await send('GET', '/referrers/sha256:short')).status, expected: 400,
  },
  {
    id: 'referrers-3', level: 'MUST', says: 'each referrer has media type, size, annotations, and an artifactType: its own, else the config type; an index without has none',
    observe: async (probe) => {
      const { subject, artifact, image, index } = await pushReferrers(probe);
      const list = await listed(await probe.send('GET', `/referrers/${subject.digest}`));
      const of = (pushed: Pushed): unknown => {
        const found = list.find((item) => item.digest === pushed.digest);
        return [found?.mediaType, found?.size === pushed.size, found?.artifactType, found?.annotations];
      };
      return [list.length, of(artifact), of(image), of(index)];
    },
    expected: [3, [types.image, true, 'application/x', { who: 'me' }], [types.image, true, types.config, undefined], [types.index, true, undefined, undefined]],
  },
  {
    id: 'referrers-4', level: 'SHOULD', says: 'a filter by artifactType applies and says so; without a filter nothing is said',
    observe: async (probe) => {
      const { subject, artifact } = await pushReferrers(probe);
      const filtered = await probe.send('GET', `/referrers/${subject.digest}?artifactType=${encodeURIComponent('application/x')}`);
      const none = await probe.send('GET', `/referrers/${subject.digest}?artifactType=application/none`);
      const all = await probe.send('GET', `/referrers/${subject.digest}`);
      return [filtered.headers.get('oci-filters-applied'), (await listed(filtered)).map((item) => item.digest === artifact.digest), await listed(none), all.headers.get('oci-filters-applied')];
    },
    expected: ['artifactType', [true], [], null],
  },
  {
    id: 'referrers-5', level: 'MUST', says: 'a list that does not fit has a Link to the rest, with the filter',
    observe: async (probe) => {
      const { subject } = await pushReferrers(probe);
      const first = await probe.send('GET', `/referrers/${subject.digest}?n=2`);
      const second = await probe.send('GET', follow(first));
      const digests = new Set([...(await listed(first)), ...(await listed(second))].map((item) => item.digest));
      return [digests.size, second.headers.get('link')];
    },
    expected: [3, null],
  },
  {
    id: 'referrers-6', level: 'MUST', says: 'referrers that came before their subject are listed, and deleted ones are not',
    observe: async (probe) => {
      const early = await probe.pushImage('early', { extra: { subject: { mediaType: types.image, digest: unknownDigest, size: 1 } } });
      const before = await listed(await probe.send('GET', `/referrers/${unknownDigest}`));
      await probe.send('DELETE', `/manifests/${early.digest}`);
      return [before.map((item) => item.digest === early.digest), await listed(await probe.send('GET', `/referrers/${unknownDigest}`))];
    },
    expected: [[true], []],
  },
];

/** distribution-spec 1.1, "Content Management". */
export const managementRequirements: readonly Requirement[] = [
  {
    id: 'delete-tag', level: 'MUST', says: 'DELETE of a tag is 202; the manifest stays by digest',
    observe: async (probe) => {
      const { digest } = await probe.pushImage('x', { tag: 'v1' });
      const reply = await probe.send('DELETE', '/manifests/v1');
      return [reply.status, (await probe.send('HEAD', '/manifests/v1')).status, (await probe.send('HEAD', `/manifests/${digest}`)).status, await tagsOf(await probe.send('GET', '/tags/list'))];
    },
    expected: [202, 404, 200, []],
  },
  {
    id: 'delete-manifest', level: 'MUST', says: 'DELETE of a manifest is 202; it and its tags are gone, others stay',
    observe: async (probe) => {
      const { digest } = await probe.pushImage('x', { tag: 'v1' });
      await probe.pushImage('y', { tag: 'v2' });
      const reply = await probe.send('DELETE', `/manifests/${digest}`);
      return [reply.status, (await probe.send('GET', `/manifests/${digest}`)).status, await tagsOf(await probe.send('GET', '/tags/list'))];
    },
    expected: [202, 404, ['v2']],
  },
  {
    id: 'delete-unknown', level: 'MUST', says: 'DELETE in a repository that does not exist, of an unknown manifest and of an unknown blob is 404',
    observe: async (probe) => {
      const nowhere = (await probe.send('DELETE', `/manifests/${unknownDigest}`)).status;
      await probe.pushImage('x');
      const blob = await probe.send('DELETE', `/blobs/${unknownDigest}`);
      return [nowhere, (await probe.send('DELETE', `/manifests/${unknownDigest}`)).status, (await probe.send('DELETE', '/manifests/nothing')).status, blob.status, await codeOf(blob)];
    },
    expected: [404, 404, 404, 404, 'BLOB_UNKNOWN'],
  },
  {
    id: 'delete-blob', level: 'MUST', says: 'DELETE of a blob is 202; then it is 404 here and still there in another repository',
    observe: async (probe) => {
      const { digest } = await probe.pushBlob('gone');
      await probe.pushBlob('gone', { repository: probe.other });
      const reply = await probe.send('DELETE', `/blobs/${digest}`);
      return [reply.status, (await probe.send('HEAD', `/blobs/${digest}`)).status, (await probe.send('HEAD', `//v2/${probe.other}/blobs/${digest}`)).status];
    },
    expected: [202, 404, 200],
  },
];
