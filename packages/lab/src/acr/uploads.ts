// SPDX-License-Identifier: Apache-2.0
// Blob uploads in every form of distribution-spec 1.1, "Pushing blobs": in one request, then PUT, in chunks, streamed, mounted. Bytes go straight to the medium.
import { createHash, randomUUID, type Hash } from 'node:crypto';
import { isDigest, type Digest } from '@pratique/core';
import { bodyChunks } from '../serve.ts';
import type { Draft } from './media.ts';
import { digestInvalid, Refusal, uploadUnknown } from './refusal.ts';
import { requireUnlocked, type Ask, type Registry, type Route } from './registry.ts';

type Algorithm = 'sha256' | 'sha512';

interface Session {
  readonly id: string;
  readonly name: string;
  readonly draft: Draft;
  readonly algorithm: Algorithm;
  readonly hash: Hash;
  /** The newest `_state`; an older one is refused, as ACR does. */
  state: string;
  touched: number;
  /** Requests of one session wait for each other. */
  tail: Promise<unknown>;
}

const idleMillis = 24 * 3600 * 1000;

/** The upload routes of one registry; sessions live in this process. */
export interface Uploads {
  readonly start: Route;
  readonly status: Route;
  readonly append: Route;
  readonly finish: Route;
  readonly cancel: Route;
  /** Discards what was not finished. */
  close(): Promise<void>;
}

/** Upload routes; `now` in milliseconds decides which sessions were forgotten (24 hours). */
export function createUploads(now: () => number): Uploads {
  const sessions = new Map<string, Session>();
  const within = (ask: Ask, work: (session: Session) => Promise<Response>): Promise<Response> => {
    const session = sessions.get(ask.reference);
    if (!session || session.name !== ask.name) throw uploadUnknown(ask.reference);
    session.touched = now();
    const result = session.tail.then(() => {
      if (sessions.get(session.id) !== session) throw uploadUnknown(session.id);
      return work(session);
    });
    session.tail = result.then(() => undefined, () => undefined);
    return result;
  };
  const end = async (session: Session): Promise<void> => {
    if (sessions.delete(session.id)) await session.draft.discard();
  };
  const start: Route = async (registry, ask) => {
    requireUnlocked('write', registry.store.find(ask.name)?.record);
    const mounted = await mount(registry, ask);
    if (mounted) return mounted;
    for (const session of sessions.values()) if (session.touched + idleMillis < now()) await end(session);
    const digest = ask.query.get('digest');
    const session = await open(registry, ask, digest ?? `${ask.query.get('digest-algorithm') ?? 'sha256'}:`);
    session.touched = now();
    sessions.set(session.id, session);
    return digest === null ? accepted(session, 202) : finishSession(registry, ask, { session, end, sessions });
  };
  return {
    start,
    status: (_registry, ask) => within(ask, async (session) => accepted(session, 204)),
    append: (_registry, ask) => within(ask, async (session) => {
      await receive(ask, session);
      return accepted(session, 202);
    }),
    finish: (registry, ask) => within(ask, (session) => finishSession(registry, ask, { session, end, sessions })),
    cancel: (_registry, ask) => within(ask, async (session) => {
      await end(session);
      return new Response(null, { status: 204 });
    }),
    async close() {
      for (const session of sessions.values()) await end(session);
    },
  };
}

async function open(registry: Registry, ask: Ask, digest: string): Promise<Session> {
  const algorithm = digest.slice(0, digest.indexOf(':'));
  if (algorithm !== 'sha256' && algorithm !== 'sha512') throw digestInvalid(digest, 'unsupported digest algorithm');
  return { id: randomUUID(), name: ask.name, draft: await registry.store.draft(), algorithm, hash: createHash(algorithm), state: newState(), touched: 0, tail: Promise.resolve() };
}

// A mount without `from` takes any repository that the caller may pull from ("automatic content discovery").
async function mount(registry: Registry, ask: Ask): Promise<Response | undefined> {
  const digest = ask.query.get('mount');
  if (digest === null) return undefined;
  if (!isDigest(digest)) throw digestInvalid(digest, 'invalid digest');
  const from = ask.query.get('from');
  const source = registry.store.whoHasBlob(digest, (name) => (from === null || name === from) && (name === ask.name || ask.caller.may(name, 'pull')));
  return source !== undefined && (await registry.store.mountBlob(ask.name, digest)) ? created(ask.name, digest) : undefined;
}

function newState(): string {
  return Buffer.from(randomUUID()).toString('base64url');
}

function accepted(session: Session, status: 202 | 204): Response {
  const location = `/v2/${session.name}/blobs/uploads/${session.id}?_nouploadcache=false&_state=${session.state}`;
  return new Response(null, { status, headers: { location, range: `0-${Math.max(session.draft.size - 1, 0)}`, 'docker-upload-uuid': session.id, ...(status === 202 ? { 'content-length': '0' } : {}) } });
}

function created(name: string, digest: Digest): Response {
  return new Response(null, { status: 201, headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' } });
}

/** Takes the body. A request that breaks off leaves what came; the client asks for the range and goes on from there. */
async function receive(ask: Ask, session: Session): Promise<void> {
  checkState(ask, session);
  checkRange(ask, session);
  try {
    await session.draft.append(bodyChunks(ask.request), (chunk) => session.hash.update(chunk));
  } finally {
    session.state = newState();
  }
}

function outOfOrder(session: Session): Refusal {
  const headers = Object.fromEntries(accepted(session, 202).headers);
  return new Refusal({ status: 416, code: 'BLOB_UPLOAD_INVALID', message: 'the chunk does not continue the upload', headers });
}

function checkState(ask: Ask, session: Session): void {
  const state = ask.query.get('_state');
  // The first request of a session that began with its body (POST ?digest=) has no state yet.
  if (ask.reference !== '' && state !== session.state) throw outOfOrder(session);
}

function checkRange(ask: Ask, session: Session): void {
  const header = ask.request.headers.get('content-range');
  if (header === null) return;
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header);
  if (!match) throw new Refusal({ status: 400, code: 'BLOB_UPLOAD_INVALID', message: `Content-Range "${header}" cannot be read` });
  const length = Number(match[2]) - Number(match[1]) + 1;
  const declared = ask.request.headers.get('content-length');
  if (Number(match[1]) !== session.draft.size || (declared !== null && Number(declared) !== length)) throw outOfOrder(session);
}

interface Finishing {
  readonly session: Session;
  readonly sessions: Map<string, Session>;
  readonly end: (session: Session) => Promise<void>;
}

async function finishSession(registry: Registry, ask: Ask, { session, sessions, end }: Finishing): Promise<Response> {
  const digest = ask.query.get('digest');
  if (!isDigest(digest)) {
    if (ask.reference === '') await end(session);
    throw digestInvalid(digest ?? '', 'invalid digest');
  }
  await receiveLast(ask, session, end);
  if ((await computeDigest(session, digest)) !== digest) {
    await end(session);
    throw digestInvalid(digest);
  }
  sessions.delete(session.id);
  await registry.store.addBlob(session.name, digest, session.draft);
  return created(session.name, digest);
}

async function receiveLast(ask: Ask, session: Session, end: (session: Session) => Promise<void>): Promise<void> {
  try {
    await receive(ask, session);
  } catch (error) {
    // Nobody learnt the id of a session that began with its body.
    if (ask.reference === '') await end(session);
    throw error;
  }
}

// The hash runs along with the bytes; only a client that did not announce another algorithm pays for a second reading.
async function computeDigest(session: Session, wanted: Digest): Promise<Digest> {
  if (wanted.startsWith(`${session.algorithm}:`)) return `${session.algorithm}:${session.hash.digest('hex')}`;
  const algorithm: Algorithm = session.algorithm === 'sha256' ? 'sha512' : 'sha256';
  const hash = createHash(algorithm);
  for await (const chunk of session.draft.read()) hash.update(chunk);
  return `${algorithm}:${hash.digest('hex')}`;
}
