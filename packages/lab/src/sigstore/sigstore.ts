// SPDX-License-Identifier: Apache-2.0
// A local sigstore: certificate authority, both log APIs, timestamp authority, trusted root and signing config, as one request handler.
import { createPublicKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openKeyStore } from '../key-store.ts';
import { jsonReply } from '../reply.ts';
import { handleFulcio } from './fulcio.ts';
import { keepHierarchy } from './hierarchy.ts';
import { handleRekorV1, treeNumber } from './rekor-v1.ts';
import { handleRekorV2 } from './rekor-v2.ts';
import { handleTimestamp } from './timestamp.ts';
import { logId, openTransparencyLog } from './transparency-log.ts';
import { signingConfig, trustedRoot } from './trust-files.ts';
import type { FulcioIssuer } from './workflow-identity.ts';

/** What a local sigstore needs. */
export interface SigstoreOptions {
  /** Keys and logs live here; the same folder gives the same trusted root. */
  readonly folder: string;
  /** Issuers whose tokens get certificates; nobody else's are looked at. */
  readonly issuers: readonly FulcioIssuer[];
  /** Fetches discovery documents and key sets. Default: the global one. */
  readonly fetch?: typeof fetch;
  readonly now?: () => Date;
  /** Why a request was refused, which clients are not told. */
  readonly log?: (line: string) => void;
}

/** A sigstore that answers requests. */
export interface Sigstore {
  /** Fulcio, Rekor v1 and v2, timestamp authority, `/trusted_root.json`, `/signing_config.json` (`?rekor=1`). */
  handle(request: Request): Promise<Response>;
  /** JSON of the trusted root; it does not depend on addresses. */
  readonly trustedRoot: unknown;
  /** JSON of the signing config for a sigstore served at `url`. */
  signingConfig(url: string, rekorVersion: 1 | 2): unknown;
  /** Entries in both logs. */
  readonly entries: { readonly v1: number; readonly v2: number };
  close(): void;
}

// Verifiers compare the name in a checkpoint with the host of the base URL in the trusted root, never with the address that entries are posted to:
// fixed names keep the trusted root the same whatever port the lab listens on.
const rekorV1 = 'rekor.pratique.test';
const rekorV2 = 'log.pratique.test';
const timeStamping = '1.3.6.1.5.5.7.3.8';
const codeSigning = '1.3.6.1.5.5.7.3.3';
const day = 86_400_000;

/** Opens or begins a sigstore in `folder`. Fails with `LAB_DATA_INVALID`. */
export async function createSigstore(options: SigstoreOptions): Promise<Sigstore> {
  const now = options.now ?? (() => new Date());
  mkdirSync(options.folder, { recursive: true });
  const parts = await openParts(options.folder, now);
  const services = [
    (request: Request) => handleFulcio(request, { authority: parts.fulcio, logKey: parts.certificateLogKey, issuers: options.issuers, fetch: options.fetch ?? fetch, now, log: options.log ?? (() => undefined) }),
    (request: Request) => handleRekorV1(request, { log: parts.v1, key: parts.v1Key, treeId: parts.treeId, now }),
    (request: Request) => handleRekorV2(request, parts.v2, now),
    (request: Request) => handleTimestamp(request, parts.timestamps, now),
  ];
  const root = trustedRoot({
    start: parts.start,
    fulcio: parts.fulcio,
    timestamps: parts.timestamps,
    logs: [{ log: parts.v1, baseUrl: `https://${rekorV1}` }, { log: parts.v2, baseUrl: `https://${rekorV2}` }],
    certificateLog: { id: logId(createPublicKey(parts.certificateLogKey), ''), publicKey: createPublicKey(parts.certificateLogKey) },
  });
  const config = (url: string, rekorVersion: 1 | 2): unknown => signingConfig({ start: parts.start, url, issuers: options.issuers.map((issuer) => issuer.url), rekorVersion });
  return {
    async handle(request) {
      const url = new URL(request.url);
      if (url.pathname === '/trusted_root.json') return jsonReply(200, root);
      if (url.pathname === '/signing_config.json') return jsonReply(200, config(url.origin, url.searchParams.get('rekor') === '1' ? 1 : 2));
      for (const service of services) {
        const reply = await service(request);
        if (reply !== undefined) return reply;
      }
      return jsonReply(404, { code: 404, message: `path ${url.pathname} was not found` });
    },
    trustedRoot: root,
    signingConfig: config,
    get entries() {
      return { v1: parts.v1.size, v2: parts.v2.size };
    },
    close() {
      parts.v1.close();
      parts.v2.close();
    },
  };
}

async function openParts(folder: string, now: () => Date) {
  const store = await openKeyStore(join(folder, 'keys.json'));
  // A day back, so that clocks that differ a little still find everything valid.
  const start = new Date(await store.keep('start', () => new Date(Math.floor(now().getTime() / day) * day - day).toISOString()));
  const fulcio = await keepHierarchy({ store, prefix: 'fulcio', usage: codeSigning, names: ['fulcio root', 'fulcio intermediate'], leaf: false, notBefore: start });
  const timestamps = await keepHierarchy({ store, prefix: 'timestamps', usage: timeStamping, names: ['timestamp root', 'timestamp intermediate', 'timestamp authority'], leaf: true, notBefore: start });
  const v1Key = await store.key('rekor-v1', 'p256');
  const v2Key = await store.key('rekor-v2', 'ed25519');
  const certificateLogKey = await store.key('certificate-log', 'p256');
  await store.save();
  const treeId = logId(createPublicKey(v1Key), '').subarray(0, 8).toString('hex').replace(/^[89a-f]/, '1');
  const v1 = openTransparencyLog({ path: join(folder, 'rekor-v1.jsonl'), key: v1Key, origin: `${rekorV1} - ${treeNumber(treeId)}`, signer: rekorV1 });
  const v2 = openTransparencyLog({ path: join(folder, 'rekor-v2.jsonl'), key: v2Key, origin: rekorV2, signer: rekorV2 });
  return { start, fulcio, timestamps, v1Key, certificateLogKey, treeId, v1, v2 };
}
