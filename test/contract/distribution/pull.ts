// SPDX-License-Identifier: Apache-2.0
// Requirements of the section "Pull".
import { codeOf, seen, sha, types, unknownDigest, type Requirement } from './probe.ts';

/** distribution-spec 1.1, "Pull", and what the API says of replies in general. */
export const pullRequirements: readonly Requirement[] = [
  {
    id: 'api-1', level: 'MUST', says: 'GET /v2/ answers 200 where no login is needed',
    observe: async ({ send }) => (await send('GET', '//v2/')).status, expected: 200,
  },
  {
    id: 'manifest-1', level: 'MUST', says: 'a GET of a manifest by digest is 200 with exactly the bytes that were pushed',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('m1');
      const reply = await send('GET', `/manifests/${image.digest}`, { headers: { accept: types.image } });
      return [reply.status, (await reply.text()) === image.text];
    },
    expected: [200, true],
  },
  {
    id: 'manifest-2', level: 'MUST', says: 'a GET by tag is 200 with the bytes of the manifest that the tag names',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('m2', { tag: 'v1' });
      return (await (await send('GET', '/manifests/v1')).text()) === image.text;
    },
    expected: true,
  },
  {
    id: 'manifest-3', level: 'MUST', says: 'a GET of a manifest has its digest in Docker-Content-Digest',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('m3', { tag: 'v1' });
      return (await send('GET', '/manifests/v1')).headers.get('docker-content-digest') === image.digest;
    },
    expected: true,
  },
  {
    id: 'manifest-4', level: 'SHOULD', says: 'Content-Type is the one that was pushed, without parameters, also when it was pushed with some',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('m4');
      await send('PUT', '/manifests/v1', { body: image.text, headers: { 'content-type': `${types.image}; charset=utf-8` } });
      return (await send('GET', '/manifests/v1')).headers.get('content-type');
    },
    expected: types.image,
  },
  {
    id: 'manifest-5', level: 'MUST', says: 'a manifest that is not there is 404, by tag and by digest',
    observe: async ({ send, pushImage }) => {
      await pushImage('m5');
      return [(await send('GET', '/manifests/nothing')).status, (await send('GET', `/manifests/${unknownDigest}`)).status, (await send('HEAD', '/manifests/nothing')).status];
    },
    expected: [404, 404, 404],
  },
  {
    id: 'manifest-6', level: 'MUST', says: 'a repository that does not exist is 404',
    observe: async ({ send }) => (await send('GET', '/manifests/v1')).status, expected: 404,
  },
  {
    id: 'manifest-7', level: 'MUST', says: 'a reference that can be neither tag nor digest names nothing',
    observe: async ({ send, pushImage }) => {
      await pushImage('m7');
      const reply = await send('GET', '/manifests/.starts-with-a-dot');
      return reply.status >= 400 && reply.status < 500;
    },
    expected: true,
  },
  {
    id: 'manifest-8', level: 'SHOULD', says: 'a manifest whose type the Accept header leaves out is not served as if it were another',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('m8');
      const reply = await send('GET', `/manifests/${image.digest}`, { headers: { accept: types.index } });
      return [reply.status, await codeOf(reply)];
    },
    expected: [404, 'MANIFEST_UNKNOWN'],
  },
  {
    id: 'head-1', level: 'MUST', says: 'HEAD of a manifest is 200 with digest and length and without a body',
    observe: async ({ send, pushImage }) => {
      const image = await pushImage('h1', { tag: 'v1' });
      const reply = await send('HEAD', '/manifests/v1', { headers: { accept: types.image } });
      return [seen(reply, 'docker-content-digest', 'content-length', 'content-type'), await reply.text()].flat().map((item) => (item === image.digest ? 'digest' : item === String(image.size) ? 'size' : item));
    },
    expected: [200, 'digest', 'size', types.image, ''],
  },
  {
    id: 'head-2', level: 'MUST', says: 'HEAD of a blob is 200 with digest and length; 404 when it is not there',
    observe: async ({ send, pushBlob }) => {
      const { digest } = await pushBlob('head me');
      return [seen(await send('HEAD', `/blobs/${digest}`), 'docker-content-digest', 'content-length'), (await send('HEAD', `/blobs/${unknownDigest}`)).status];
    },
    expected: [[200, sha('head me'), '7'], 404],
  },
  {
    id: 'blob-1', level: 'MUST', says: 'a GET of a blob is 200 with its bytes, its digest and its length',
    observe: async ({ send, pushBlob }) => {
      const { digest } = await pushBlob('hello blob');
      const reply = await send('GET', `/blobs/${digest}`);
      return [...seen(reply, 'docker-content-digest', 'content-length'), await reply.text()];
    },
    expected: [200, sha('hello blob'), '10', 'hello blob'],
  },
  {
    id: 'blob-2', level: 'MUST', says: 'a blob that is not in the repository is 404, also when another repository has it',
    observe: async ({ send, pushBlob, other }) => {
      const { digest } = await pushBlob('elsewhere', { repository: other });
      const reply = await send('GET', `/blobs/${digest}`);
      return [reply.status, await codeOf(reply)];
    },
    expected: [404, 'BLOB_UNKNOWN'],
  },
  {
    id: 'blob-3', level: 'SHOULD', says: 'an invalid digest is 400 or 404',
    observe: async ({ send }) => [400, 404].includes((await send('GET', '/blobs/sha256:tooshort')).status), expected: true,
  },
  ...([
    ['bytes=2-4', [206, 'bytes 2-4/10', '3', '234']],
    ['bytes=7-', [206, 'bytes 7-9/10', '3', '789']],
    ['bytes=-4', [206, 'bytes 6-9/10', '4', '6789']],
    ['bytes=8-99', [206, 'bytes 8-9/10', '2', '89']],
    ['bytes=-99', [206, 'bytes 0-9/10', '10', '0123456789']],
  ] as const).map(([range, expected]): Requirement => ({
    id: `range ${range}`, level: 'SHOULD', says: `Range: ${range} is 206 with that part (RFC 9110, section 14)`,
    observe: async ({ send, pushBlob }) => {
      const { digest } = await pushBlob('0123456789');
      const reply = await send('GET', `/blobs/${digest}`, { headers: { range } });
      return [...seen(reply, 'content-range', 'content-length'), await reply.text()];
    },
    expected,
  })),
  ...(['bytes=10-', 'bytes=10-20', 'bytes=5-4'] as const).map((range): Requirement => ({
    id: `range ${range}`, level: 'SHOULD', says: `Range: ${range} of ten bytes is 416 with the size`,
    observe: async ({ send, pushBlob }) => {
      const { digest } = await pushBlob('0123456789');
      return seen(await send('GET', `/blobs/${digest}`, { headers: { range } }), 'content-range');
    },
    expected: [416, 'bytes */10'],
  })),
  {
    id: 'errors-1', level: 'MUST', says: 'a JSON error is a list of errors, each with a code of capital letters and underscores',
    observe: async ({ send }) => {
      const reply = await send('GET', '/manifests/v1');
      const body = (await reply.json()) as { errors: { code: string; message: unknown }[] };
      return [reply.headers.get('content-type')?.split(';')[0], body.errors.map((error) => [/^[A-Z_]+$/.test(error.code), typeof error.message])];
    },
    expected: ['application/json', [[true, 'string']]],
  },
  {
    id: 'errors-2', level: 'MUST', says: 'the length of an error, of a refused chunk too, is that of its body (RFC 9110, section 8.6)',
    observe: async ({ send, startUpload }) => {
      const replies = [await send('GET', '/manifests/v1'), await send('PATCH', await startUpload(), { body: 'x', headers: { 'content-range': '5-5' } })];
      return Promise.all(replies.map(async (reply) => [reply.status, Number(reply.headers.get('content-length')) === (await reply.text()).length]));
    },
    expected: [[404, true], [416, true]],
  },
  {
    id: 'name-1', level: 'MUST', says: 'a repository name must match the pattern of the spec',
    observe: async ({ send }) => Promise.all(['Upper', 'a//b', '-a', 'a_-b', 'a..b'].map(async (name) => (await send('POST', `//v2/${name}/blobs/uploads/`)).status)),
    expected: [400, 400, 400, 400, 400],
  },
  {
    id: 'name-2', level: 'MUST', says: 'names of several components with separators are accepted',
    observe: async ({ send, repository }) => Promise.all(['a', 'a/b/c/d', 'a.b', 'a_b', 'a__b', 'a---b'].map(async (name) => (await send('POST', `//v2/${repository}/${name}/blobs/uploads/`)).status)),
    expected: [202, 202, 202, 202, 202, 202],
  },
];
