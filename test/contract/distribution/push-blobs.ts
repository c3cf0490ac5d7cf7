// SPDX-License-Identifier: Apache-2.0
// Requirements of the section "Pushing blobs" and "Mounting a blob from another repository".
import { codeOf, seen, sha, types, unknownDigest, withDigest, type Probe, type Requirement } from './probe.ts';

const base = (reply: Response): string => new URL(reply.headers.get('location') ?? '', reply.url).href;
const pathOf = (reply: Response): string => new URL(reply.headers.get('location') ?? '', reply.url).pathname;
const octets = { 'content-type': types.octets };
const patch = (probe: Probe, url: string, body: string, range?: string): Promise<Response> => probe.send('PATCH', url, { body, headers: { ...octets, ...(range ? { 'content-range': range } : {}) } });

/** distribution-spec 1.1, "Pushing blobs". */
export const pushBlobRequirements: readonly Requirement[] = [
  {
    id: 'post-put-1', level: 'MUST', says: 'POST is 202 with a Location that holds a session id',
    observe: async ({ send, repository }) => {
      const reply = await send('POST', '/blobs/uploads/');
      return [reply.status, pathOf(reply).startsWith(`/v2/${repository}/blobs/uploads/`), /[0-9a-f]{8}-[0-9a-f]{4}-/.test(pathOf(reply))];
    },
    expected: [202, true, true],
  },
  ...(['sha256', 'sha512'] as const).map((algorithm): Requirement => ({
    id: `post-put-2 ${algorithm}`, level: 'MUST', says: `PUT with the whole blob is 201 with the location of the blob, by ${algorithm}`,
    observe: async (probe) => {
      const digest = sha('put me', algorithm);
      const reply = await probe.send('PUT', withDigest(await probe.startUpload(), digest), { body: 'put me', headers: octets });
      const blob = await probe.send('GET', base(reply));
      return [...seen(reply, 'docker-content-digest'), pathOf(reply) === `/v2/${probe.repository}/blobs/${digest}`, await blob.text()];
    },
    expected: [201, sha('put me', algorithm), true, 'put me'],
  })),
  ...(['sha256', 'sha512'] as const).map((algorithm): Requirement => ({
    id: `single ${algorithm}`, level: 'MUST', says: `POST with digest and content is 201 with the location of the blob, by ${algorithm}`,
    observe: async ({ send, repository }) => {
      const digest = sha('single', algorithm);
      const reply = await send('POST', `/blobs/uploads/?digest=${digest}`, { body: 'single', headers: octets });
      return [...seen(reply, 'docker-content-digest'), pathOf(reply) === `/v2/${repository}/blobs/${digest}`, (await send('HEAD', `/blobs/${digest}`)).status];
    },
    expected: [201, sha('single', algorithm), true, 200],
  })),
  {
    id: 'empty', level: 'MUST', says: 'a blob of no bytes can be pushed and pulled',
    observe: async ({ send }) => {
      const reply = await send('POST', `/blobs/uploads/?digest=${sha('')}`, { body: '', headers: { ...octets, 'content-length': '0' } });
      const blob = await send('GET', `/blobs/${sha('')}`);
      return [reply.status, blob.status, blob.headers.get('content-length'), await blob.text()];
    },
    expected: [201, 200, '0', ''],
  },
  {
    id: 'digest-1', level: 'SHOULD', says: 'content that does not match its digest is 400, in every form of upload, and is not kept',
    observe: async (probe) => {
      const post = await probe.send('POST', `/blobs/uploads/?digest=${sha('right')}`, { body: 'wrong', headers: octets });
      const put = await probe.send('PUT', withDigest(await probe.startUpload(), sha('right')), { body: 'wrong', headers: octets });
      const chunk = await patch(probe, await probe.startUpload(), 'wrong', '0-4');
      const close = await probe.send('PUT', withDigest(base(chunk), sha('right')));
      return [post.status, await codeOf(post), put.status, close.status, (await probe.send('HEAD', `/blobs/${sha('right')}`)).status];
    },
    expected: [400, 'DIGEST_INVALID', 400, 400, 404],
  },
  {
    id: 'digest-2', level: 'SHOULD', says: 'a malformed digest, and an algorithm that is not supported, are 400',
    observe: async (probe) => [
      (await probe.send('POST', '/blobs/uploads/?digest=sha256:short', { body: 'x' })).status,
      (await probe.send('PUT', withDigest(await probe.startUpload(), 'md5:d41d8cd98f00b204e9800998ecf8427e'), { body: 'x' })).status,
      (await probe.send('PUT', await probe.startUpload(), { body: 'x' })).status,
      (await probe.send('POST', '/blobs/uploads/?digest-algorithm=md5')).status,
    ],
    expected: [400, 400, 400, 400],
  },
  ...(['sha256', 'sha512'] as const).map((algorithm): Requirement => ({
    id: `chunks ${algorithm}`, level: 'MUST', says: `chunks in order are 202 with Location and the inclusive Range so far; the closing PUT is 201 (${algorithm})`,
    observe: async (probe) => {
      const first = await patch(probe, await probe.startUpload(`?digest-algorithm=${algorithm}`), '01234', '0-4');
      const second = await patch(probe, base(first), '567', '5-7');
      const last = await probe.send('PUT', withDigest(base(second), sha('0123456789', algorithm)), { body: '89', headers: { ...octets, 'content-range': '8-9' } });
      return [...seen(first, 'range'), ...seen(second, 'range'), last.status, await (await probe.send('GET', base(last))).text()];
    },
    expected: [202, '0-4', 202, '0-7', 201, '0123456789'],
  })),
  {
    id: 'chunks-2', level: 'MUST', says: 'a chunk out of order is 416, before, after and beside what is there; the session goes on',
    observe: async (probe) => {
      const first = await patch(probe, await probe.startUpload(), '01234', '0-4');
      const statuses = [];
      for (const range of ['6-7', '0-4', '4-5']) statuses.push((await patch(probe, base(first), 'xxxxx'.slice(0, range === '0-4' ? 5 : 2), range)).status);
      const last = await patch(probe, base(first), '56', '5-6');
      return [statuses, last.status, (await probe.send('PUT', withDigest(base(last), sha('0123456')))).status];
    },
    expected: [[416, 416, 416], 202, 201],
  },
  {
    id: 'chunks-3', level: 'MUST', says: 'a first chunk that does not begin at 0 is 416',
    observe: async (probe) => (await patch(probe, await probe.startUpload(), '01234', '1-5')).status, expected: 416,
  },
  {
    id: 'chunks-4', level: 'MUST', says: 'a final chunk out of order is 416',
    observe: async (probe) => {
      const first = await patch(probe, await probe.startUpload(), '01234', '0-4');
      return (await probe.send('PUT', withDigest(base(first), sha('0123456')), { body: '56', headers: { ...octets, 'content-range': '7-8' } })).status;
    },
    expected: 416,
  },
  {
    id: 'chunks-5', level: 'MUST', says: 'a Content-Range must match its pattern and the length of the body',
    observe: async (probe) => [(await patch(probe, await probe.startUpload(), '01', 'zero-one')).status, (await patch(probe, await probe.startUpload(), '01234', '0-2')).status],
    expected: [400, 416],
  },
  {
    id: 'stream', level: 'MUST', says: 'one PATCH without Content-Range streams the blob',
    observe: async (probe) => {
      const reply = await patch(probe, await probe.startUpload(), 'streamed');
      return [...seen(reply, 'range'), (await probe.send('PUT', withDigest(base(reply), sha('streamed')))).status];
    },
    expected: [202, '0-7', 201],
  },
  {
    id: 'status', level: 'MUST', says: 'GET of a session is 204 with Location and Range',
    observe: async (probe) => {
      const first = await patch(probe, await probe.startUpload(), '01234', '0-4');
      const reply = await probe.send('GET', base(first));
      return [...seen(reply, 'range'), (await patch(probe, base(reply), '5', '5-5')).status];
    },
    expected: [204, '0-4', 202],
  },
  {
    id: 'cancel', level: 'SHOULD', says: 'DELETE of a session is 204; then it is unknown',
    observe: async (probe) => {
      const url = await probe.startUpload();
      return [(await probe.send('DELETE', url)).status, (await probe.send('GET', url)).status, (await patch(probe, url, 'x')).status];
    },
    expected: [204, 404, 404],
  },
  {
    id: 'session', level: 'MUST', says: 'a session belongs to its repository and ends with its PUT',
    observe: async (probe) => {
      const url = await probe.startUpload();
      const elsewhere = await patch(probe, url.replace(probe.repository, probe.other), 'x');
      await probe.send('PUT', withDigest(url, sha('x')), { body: 'x' });
      const again = await probe.send('PUT', withDigest(url, sha('x')), { body: 'x' });
      return [elsewhere.status, again.status, await codeOf(again)];
    },
    expected: [404, 404, 'BLOB_UPLOAD_UNKNOWN'],
  },
  ...(['sha256', 'sha512'] as const).map((algorithm): Requirement => ({
    id: `mount ${algorithm}`, level: 'MUST', says: `a mount is 201 with the location of the blob, by ${algorithm}`,
    observe: async (probe) => {
      const { digest } = await probe.pushBlob('mount me', { repository: probe.other, algorithm });
      const reply = await probe.send('POST', `/blobs/uploads/?mount=${digest}&from=${probe.other}`);
      return [...seen(reply, 'docker-content-digest'), pathOf(reply) === `/v2/${probe.repository}/blobs/${digest}`, await (await probe.send('GET', `/blobs/${digest}`)).text()];
    },
    expected: [201, sha('mount me', algorithm), true, 'mount me'],
  })),
  {
    id: 'mount-2', level: 'SHOULD', says: 'a mount of what is not there is 202 and an upload that works',
    observe: async (probe) => {
      const reply = await probe.send('POST', `/blobs/uploads/?mount=${sha('absent')}&from=${probe.other}`);
      return [reply.status, (await probe.send('PUT', withDigest(base(reply), sha('absent')), { body: 'absent' })).status];
    },
    expected: [202, 201],
  },
  {
    id: 'mount-3', level: 'SHOULD', says: 'a mount without from finds the blob wherever the caller may read it, or is 202',
    observe: async (probe) => {
      const { digest } = await probe.pushBlob('find me', { repository: probe.other });
      return [(await probe.send('POST', `/blobs/uploads/?mount=${digest}`)).status, (await probe.send('POST', `/blobs/uploads/?mount=${unknownDigest}`)).status];
    },
    expected: [201, 202],
  },
];
