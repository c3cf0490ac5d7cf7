// SPDX-License-Identifier: Apache-2.0
// Registries: authorisation, retries, redirects, uploads that break, referrers with and without the API.
import type { Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { buildManifest, createRegistry, emptyBlob, hashBytes, mediaTypes, staticCredentials, streamOf, type Authenticator, type Descriptor, type Registry } from './index.ts';
import { createQuickClock, createStandIn, refuse, type StandIn } from './registry-stand-in.ts';

const signal = new AbortController().signal;
const connect = (standIn: StandIn, options: { authenticator?: Authenticator; patienceSeconds?: number; forbiddenHint?: (scope: string) => string } = {}): Registry =>
  createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock: createQuickClock(), signal, ...options });
const code = (wanted: string, facts: object = {}): unknown => expect.objectContaining({ code: wanted, facts: expect.objectContaining(facts) as object });
const blobOf = (bytes: Uint8Array): Descriptor => ({ mediaType: 'application/octet-stream', digest: hashBytes(bytes), size: bytes.byteLength });
const bytesOf = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index * 7919) % 251);
const artifact = (subject?: Descriptor, kind = 'application/vnd.example') => buildManifest({ schemaVersion: 2, artifactType: kind, config: emptyBlob.descriptor, layers: [], annotations: { kind }, ...(subject ? { subject } : {}) }, mediaTypes.manifest);

describe('authorisation', () => {
  test('a Bearer token is fetched once per scope set and used again', async () => {
    const standIn = createStandIn({ auth: 'bearer' });
    const repository = connect(standIn, { authenticator: staticCredentials('user', 'pass') }).repository('a/b');
    await repository.writeManifest(artifact());
    const all = await Promise.all([1, 2, 3, 4].map(() => repository.hasManifest(artifact().descriptor.digest)));
    expect(all).toEqual([true, true, true, true]);
    expect(standIn.requests.filter((one) => one.url.includes('/token')).map((one) => new URL(one.url).searchParams.get('scope'))).toEqual(['repository:a/b:pull,push', 'repository:a/b:pull']);
  });
  test('a token that stops working is replaced once', async () => {
    let revoked = false;
    const standIn = createStandIn({ fault: (request) => (request.url.includes('/token') ? Response.json({ token: revoked ? 'new' : 'old' }) : request.headers.get('authorization') === (revoked ? 'Bearer new' : 'Bearer old') ? undefined : refuse(401, 'UNAUTHORIZED', { 'www-authenticate': 'Bearer realm="https://r.example/token",service="s"' })) });
    const repository = connect(standIn).repository('a');
    await repository.resolve('x');
    revoked = true;
    await expect(repository.resolve('x')).resolves.toBeUndefined();
  });
  test('Basic works as well', async () => {
    const repository = connect(createStandIn({ auth: 'basic' }), { authenticator: staticCredentials('user', 'pass') }).repository('a');
    await expect(repository.listTags()).resolves.toEqual([]);
  });
  test.each([
    ['a token that lacks the right, after one challenge', 'bearer', undefined, 'REGISTRY_FORBIDDEN', 'role for repository:a:pull,push'],
    ['a wrong password', 'bearer', staticCredentials('user', 'wrong-password'), 'REGISTRY_UNAUTHORIZED', undefined],
    ['no credentials where Basic is wanted', 'basic', undefined, 'REGISTRY_UNAUTHORIZED', 'role for repository:a:pull,push'],
  ] as const)('%s is told as such', async (_, auth, authenticator, wanted, hint) => {
    const standIn = createStandIn({ auth });
    const repository = connect(standIn, { ...(authenticator ? { authenticator } : {}), forbiddenHint: (scope) => `role for ${scope}` }).repository('a');
    await expect(repository.writeManifest(artifact())).rejects.toMatchObject({ code: wanted, hint });
    expect(standIn.requests.filter((one) => one.method === 'PUT').length).toBeLessThanOrEqual(2);
  });
  test('credentials never go to a token endpoint without TLS or on a link-local address', async () => {
    for (const realm of ['http://r.example/token', 'https://169.254.169.254/token', 'https://[fe80::1]/token', 'https://[::ffff:169.254.169.254]/token']) {
      const standIn = createStandIn({ fault: () => refuse(401, 'UNAUTHORIZED', { 'www-authenticate': `Bearer realm="${realm}",service="s"` }) });
      await expect(connect(standIn, { authenticator: staticCredentials('user', 'password') }).repository('a').resolve('x')).rejects.toEqual(code('REGISTRY_PROTOCOL'));
      expect(standIn.requests).toHaveLength(1);
    }
  });
});

describe('failures', () => {
  test.each([
    [403, 'DENIED', 'REGISTRY_FORBIDDEN', 1], [404, 'NAME_UNKNOWN', 'REGISTRY_NOT_FOUND', 1], [405, 'REGISTRY_DISALLOWED_OPERATION', 'REGISTRY_LOCKED', 1], [429, 'TOOMANYREQUESTS', 'REGISTRY_THROTTLED', 5],
    [503, 'UNKNOWN', 'REGISTRY_UNAVAILABLE', 5], [400, 'MANIFEST_INVALID', 'REGISTRY_PROTOCOL', 1], [409, 'IMAGE_QUARANTINED', 'ACR_QUARANTINED', 1],
  ])('status %i with %s is %s after %i requests', async (status, error, wanted, requests) => {
    const standIn = createStandIn({ fault: () => refuse(status, error) });
    await expect(connect(standIn).repository('a').readManifest('x')).rejects.toEqual(code(wanted, { method: 'GET', status, errors: [error] }));
    expect(standIn.requests).toHaveLength(requests);
  });
  test.each([['ENOTFOUND', /Nothing answers at r\.example: check the name/], ['ECONNRESET', undefined]])('%s has the hint that helps', async (network, hint) => {
    const standIn = createStandIn({ fault: () => { throw new TypeError('fetch failed', { cause: Object.assign(new Error('no way'), { code: network }) }); } });
    const thrown: unknown = await connect(standIn).repository('a').readManifest('x').catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', facts: { network }, hint: hint === undefined ? undefined : expect.stringMatching(hint) as string });
  });
  test('Retry-After is waited for, then the body is sent again', async () => {
    const clock = createQuickClock();
    const standIn = createStandIn({ fault: (request, seen) => (request.method === 'PUT' && seen === 0 ? refuse(429, 'TOOMANYREQUESTS', { 'retry-after': '7' }) : undefined) });
    const repository = createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock, signal }).repository('a');
    await repository.writeManifest(artifact(), 'v1');
    expect(clock.waits).toEqual([7, 7]);
    expect(standIn.manifests.has('a|v1')).toBe(true);
  });
  test('a server that never answers is given up', async () => {
    const standIn = createStandIn({ fault: () => new Promise<Response>(() => undefined) });
    await expect(connect(standIn, { patienceSeconds: 0.02 }).repository('a').readManifest('x')).rejects.toEqual(code('REGISTRY_UNAVAILABLE'));
  });
  test('a cancelled run is CANCELLED and nothing is tried again', async () => {
    const controller = new AbortController();
    const standIn = createStandIn({ fault: () => { controller.abort(); throw new TypeError('fetch failed'); } });
    await expect(createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock: createQuickClock(), signal: controller.signal }).repository('a').resolve('x')).rejects.toEqual(code('CANCELLED'));
  });
  test('an error body of any size and shape stays small and escaped', async () => {
    const standIn = createStandIn({ fault: () => new Response(`\u001b[31m<html>${'x'.repeat(200_000)}`, { status: 400 }) });
    const failure = await connect(standIn).repository('a').readManifest('x').catch((thrown: unknown) => thrown as Failure) as Failure;
    expect(JSON.stringify(failure.facts).length).toBeLessThan(1000);
    expect(JSON.stringify(failure.facts)).not.toContain('\u001b');
  });
});

describe('manifests', () => {
  test('are written by digest and tag, resolved, read and deleted', async () => {
    const repository = connect(createStandIn()).repository('a');
    const { descriptor, bytes } = artifact();
    await expect(repository.writeManifest(artifact(), 'v1')).resolves.toEqual(descriptor);
    await expect(repository.resolve('v1')).resolves.toEqual(descriptor);
    await expect(repository.readManifest(descriptor.digest)).resolves.toMatchObject({ descriptor, bytes });
    await repository.deleteManifest(descriptor.digest);
    await repository.deleteManifest(descriptor.digest);
    await expect(repository.resolve(descriptor.digest)).resolves.toBeUndefined();
  });
  test.each([
    ['other bytes', (standIn: StandIn) => standIn.manifests.set(`a|${artifact().descriptor.digest}`, { bytes: artifact(undefined, 'x/y').bytes, type: mediaTypes.manifest }), 'REGISTRY_DIGEST_MISMATCH'],
    ['more than 4 MiB', (standIn: StandIn) => standIn.manifests.set(`a|${artifact().descriptor.digest}`, { bytes: new Uint8Array(4 * 1024 * 1024 + 1), type: mediaTypes.manifest }), 'REGISTRY_TOO_LARGE'],
    ['an image as an index', (standIn: StandIn) => standIn.manifests.set(`a|${artifact().descriptor.digest}`, { bytes: artifact().bytes, type: mediaTypes.index }), 'REGISTRY_PROTOCOL'],
  ])('%s are refused', async (_, tamper, wanted) => {
    const standIn = createStandIn();
    tamper(standIn);
    await expect(connect(standIn).repository('a').readManifest(artifact().descriptor.digest)).rejects.toEqual(code(wanted));
  });
  test('tags come page by page', async () => {
    const repository = connect(createStandIn({ pageSize: 2 })).repository('a');
    for (const tag of ['1', '2', '3', '4', '5']) await repository.writeManifest(artifact(), tag);
    await expect(repository.listTags()).resolves.toEqual(['1', '2', '3', '4', '5']);
  });
});

describe('blobs', () => {
  const bytes = bytesOf(200_000);
  test('are uploaded once, in one PUT, and read from storage without Authorization', async () => {
    const standIn = createStandIn({ auth: 'bearer', storage: 'https://storage.example' });
    const repository = connect(standIn, { authenticator: staticCredentials('user', 'pass') }).repository('a');
    await expect(repository.writeBlob(blobOf(bytes), () => Promise.resolve(streamOf(bytes)))).resolves.toBe('uploaded');
    await expect(repository.writeBlob(blobOf(bytes), () => Promise.reject(new Error('not opened')))).resolves.toBe('present');
    await expect(repository.readSmallBlob(blobOf(bytes))).resolves.toEqual(bytes);
    await expect(repository.readSmallBlob(blobOf(bytes), 10)).rejects.toEqual(code('REGISTRY_TOO_LARGE'));
  });
  test('are mounted from a neighbour by one call', async () => {
    const standIn = createStandIn();
    standIn.blobs.set(blobOf(bytes).digest, bytes);
    await expect(connect(standIn).repository('b').writeBlob(blobOf(bytes), () => Promise.reject(new Error('not opened')), 'a')).resolves.toBe('mounted');
    expect(standIn.requests.map(({ method }) => method)).toEqual(['POST']);
  });
  test.each([
    ['cannot be mounted', () => new Response(null, { status: 202, headers: { location: '/v2/b/blobs/uploads/begun' } })],
    ['may not be mounted', () => refuse(403, 'DENIED')],
  ])('that %s are looked for, then sent', async (_, answer) => {
    const begun = (request: Request): Response | undefined => (request.url.includes('/begun') ? new Response(null, { status: 201 }) : undefined);
    const standIn = createStandIn({ fault: (request) => (request.url.includes('mount=') ? answer() : begun(request)) });
    const write = (open: () => Promise<ReadableStream<Uint8Array>>): Promise<string> => connect(standIn).repository('b').writeBlob(blobOf(bytes), open, 'a');
    standIn.blobs.set(blobOf(bytes).digest, bytes);
    await expect(write(() => Promise.reject(new Error('not opened')))).resolves.toBe('present');
    standIn.blobs.clear();
    await expect(write(async () => streamOf(bytes))).resolves.toBe('uploaded');
  });
  test('sha512 works', async () => {
    const repository = connect(createStandIn()).repository('a');
    const descriptor = { ...blobOf(bytes), digest: hashBytes(bytes, 'sha512:') };
    await repository.writeBlob(descriptor, () => Promise.resolve(streamOf(bytes)));
    await expect(repository.readSmallBlob(descriptor)).resolves.toEqual(bytes);
  });
  test('that are not what they should be never arrive whole, in either direction', async () => {
    const standIn = createStandIn();
    const repository = connect(standIn).repository('a');
    await expect(repository.writeBlob(blobOf(bytes), () => Promise.resolve(streamOf(bytesOf(200_000).fill(1))))).rejects.toEqual(code('REGISTRY_DIGEST_MISMATCH'));
    standIn.blobs.set(blobOf(bytes).digest, bytes.slice().fill(0, 0, 1));
    standIn.blobs.set(blobOf(bytes).digest, Uint8Array.from(bytes, (byte, index) => (index === 199_999 ? byte ^ 1 : byte)));
    const reader = (await repository.readBlob(blobOf(bytes))).getReader();
    await expect(reader.read()).rejects.toEqual(code('REGISTRY_DIGEST_MISMATCH'));
  });
  const first = 64 * 1024 * 1024;
  const large = Uint8Array.from({ length: first + 8_000_000 }, (_, index) => (index >> 16) % 251);
  test.each([['before a piece arrives', 0], ['in the middle of a piece', 3_000_001], ['when only the answer is lost', 8_000_000]])('a large upload that breaks %s goes on where it stopped', async (_, arrived) => {
    let broken = 0;
    const standIn: StandIn = createStandIn({ fault: async (request, seen) => {
      if (request.method !== 'PATCH' || seen !== 1) return undefined;
      broken += 1;
      // A request of its own, which the stand-in sees as well.
      if (arrived > 0) await standIn.fetch(request.url, { method: 'PATCH', body: (await request.arrayBuffer()).slice(0, arrived), headers: { 'content-range': `${first}-${first + arrived - 1}` } });
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) });
    } });
    await expect(connect(standIn).repository('a').writeBlob(blobOf(large), () => Promise.resolve(streamOf(large)))).resolves.toBe('uploaded');
    expect(broken).toBe(1);
    const end = large.byteLength - 1;
    const rest = arrived < 8_000_000 ? [`${first + arrived}-${end}`] : [];
    expect(standIn.requests.filter((one) => one.method === 'PATCH').map((one) => one.range)).toEqual([`0-${first - 1}`, `${first}-${end}`, ...(arrived > 0 ? [`${first}-${first + arrived - 1}`] : []), ...rest]);
    expect(standIn.blobs.has(blobOf(large).digest)).toBe(true);
  });
  test('a piece whose token is refused is sent again from its begin', async () => {
    const standIn = createStandIn({ auth: 'bearer', fault: async (request, seen) => {
      if (request.method !== 'PATCH' || seen !== 1) return undefined;
      await request.body?.getReader().read();
      return refuse(401, 'UNAUTHORIZED', { 'www-authenticate': 'Bearer realm="https://r.example/token",service="stand-in",scope="repository:a:pull,push"' });
    } });
    let tokens = 0;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const reply = await standIn.fetch(input, init);
      const { token } = String(input).includes('/token') ? (await reply.json()) as { token: string } : { token: undefined };
      return token === undefined ? reply : Response.json({ token: `${token} ${(tokens += 1)}` });
    };
    const repository = createRegistry({ registry: 'r.example', fetch, clock: createQuickClock(), signal, authenticator: staticCredentials('user', 'pass') }).repository('a');
    await expect(repository.writeBlob(blobOf(large), () => Promise.resolve(streamOf(large)))).resolves.toBe('uploaded');
    expect(standIn.blobs.has(blobOf(large).digest)).toBe(true);
  });
  test('of some size that cannot be mounted are looked for before they are sent', async () => {
    const standIn = createStandIn({ fault: (request) => (request.url.includes('mount=') ? new Response(null, { status: 202, headers: { location: '/v2/a/blobs/uploads/begun' } }) : undefined) });
    standIn.blobs.set(blobOf(large).digest, large);
    await expect(connect(standIn).repository('a').writeBlob(blobOf(large), () => Promise.reject(new Error('not opened')))).resolves.toBe('present');
  });
  test('an upload that the registry forgot is begun again, with a body opened anew', async () => {
    let opened = 0;
    const standIn = createStandIn({ fault: (request, seen) => (request.method === 'PUT' && seen === 0 && request.url.includes('/uploads/') && opened === 1 ? refuse(500, 'UNKNOWN') : undefined) });
    await connect(standIn).repository('a').writeBlob(blobOf(bytes), () => { opened += 1; return Promise.resolve(streamOf(bytes)); });
    expect(opened).toBe(2);
  });
  test('a download that breaks goes on by range', async () => {
    const standIn = createStandIn({ fault: (request, seen) => {
      if (request.method !== 'GET' || seen > 0) return undefined;
      let part = 0;
      return new Response(new ReadableStream({ pull: (controller) => { part += 1; if (part === 1) controller.enqueue(bytes.slice(0, 5000)); else controller.error(new TypeError('terminated')); } }), { headers: { 'content-length': '200000' } });
    } });
    standIn.blobs.set(blobOf(bytes).digest, bytes);
    await expect(connect(standIn).repository('a').readSmallBlob(blobOf(bytes))).resolves.toEqual(bytes);
    expect(standIn.requests.at(-1)?.range).toBe('bytes=5000-');
  });
  test.each(['http://plain.example/x', 'https://169.254.169.254/x', 'file:///etc/passwd', 'https://u:p@h.example/x'])('a redirect to %s is not followed', async (location) => {
    const standIn = createStandIn({ fault: () => new Response(null, { status: 307, headers: { location } }) });
    await expect(connect(standIn).repository('a').readBlob(blobOf(bytes))).rejects.toEqual(code('REGISTRY_PROTOCOL'));
  });
  test('a fourth redirect is not followed', async () => {
    const standIn = createStandIn({ fault: () => new Response(null, { status: 302, headers: { location: 'https://s.example/again' } }) });
    await expect(connect(standIn).repository('a').readBlob(blobOf(bytes))).rejects.toEqual(code('REGISTRY_PROTOCOL', { status: 302 }));
    expect(standIn.requests).toHaveLength(4);
  });
});

describe.each([['the API', true], ['the fallback index', false]])('referrers by %s', (_, referrers) => {
  test('are listed, filtered and unlisted', async () => {
    const standIn = createStandIn({ referrers });
    const repository = connect(standIn).repository('a');
    const subject = await repository.writeManifest(artifact());
    const written = await Promise.all(['x/a', 'x/b', 'x/b2'].map((kind) => repository.writeManifest(artifact(subject, kind))));
    expect((await repository.listReferrers(subject.digest)).map((one) => one.digest).sort()).toEqual(written.map((one) => one.digest).sort());
    await expect(repository.listReferrers(subject.digest, 'x/b')).resolves.toMatchObject([{ digest: written[1]?.digest, artifactType: 'x/b' }]);
    await repository.deleteManifest(written[0]?.digest ?? subject.digest);
    expect(await repository.listReferrers(subject.digest)).toHaveLength(2);
    expect(standIn.manifests.has(`a|sha256-${subject.digest.slice(7)}`)).toBe(!referrers);
  });
});

test('a fallback entry that a neighbour overwrites is written again', async () => {
  let overwritten = false;
  const standIn: StandIn = createStandIn({ fault: (request, seen) => {
    const path = new URL(request.url).pathname;
    // The neighbour read before us and writes after our first look.
    if (path.endsWith(`sha256-${artifact().descriptor.digest.slice(7)}`) && request.method === 'GET' && seen === 3 && !overwritten) {
      overwritten = true;
      const index = buildManifest({ schemaVersion: 2, manifests: [] }, mediaTypes.index);
      standIn.manifests.set(`a|${path.split('/').at(-1)}`, { bytes: index.bytes, type: index.mediaType });
    }
    return undefined;
  } });
  const repository = connect(standIn).repository('a');
  const subject = await repository.writeManifest(artifact());
  await repository.writeManifest(artifact(subject, 'x/ours'));
  expect(overwritten).toBe(true);
  expect(await repository.listReferrers(subject.digest)).toHaveLength(1);
});

describe('a body that stalls', () => {
  test.each([['of a reply', 'GET'], ['of a request', 'PUT']])('%s is given up', async (_, method) => {
    const silent = (): ReadableStream<Uint8Array> => new ReadableStream({ pull: () => new Promise(() => undefined) });
    const standIn = createStandIn({ fault: (request) => (method === 'GET' && request.method === 'GET' ? new Response(silent(), { headers: { 'content-length': '9' } }) : undefined) });
    const repository = connect(standIn, { patienceSeconds: 0.02 }).repository('a');
    const descriptor = { ...blobOf(bytesOf(9)) };
    const work = method === 'GET' ? repository.readSmallBlob(descriptor) : repository.writeBlob(descriptor, () => Promise.resolve(silent()));
    await expect(work).rejects.toEqual(code('REGISTRY_UNAVAILABLE'));
  });
});
