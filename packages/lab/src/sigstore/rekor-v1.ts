// SPDX-License-Identifier: Apache-2.0
// Rekor's API v1 (https://github.com/sigstore/rekor/blob/main/openapi.yaml): entries with signed entry timestamp and inclusion proof.
import { sign, type KeyObject } from 'node:crypto';
import { canonicalJson, isJsonObject } from '@pratique/core';
import { jsonReply, textReply } from '../reply.ts';
import { canonicalizeV1 } from './proposal-v1.ts';
import type { TransparencyLog } from './transparency-log.ts';
import { EntryRefused } from './verifier-key.ts';

/** The log and what signs its promises. */
export interface RekorV1Options {
  readonly log: TransparencyLog;
  readonly key: KeyObject;
  /** 16 hex digits that begin each entry id. */
  readonly treeId: string;
  readonly now: () => Date;
}

const problem = (code: number, message: string, headers = {}): Response => jsonReply(code, { code, message }, headers);

/** Answers a request under `/api/v1/log`, or `undefined` when it is none. */
export async function handleRekorV1(request: Request, options: RekorV1Options): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  const { log } = options;
  if (pathname === '/api/v1/log') {
    return jsonReply(200, { rootHash: log.prove(0).root.toString('hex'), treeSize: log.size, treeID: treeNumber(options.treeId), signedTreeHead: log.checkpoint(), inactiveShards: [] });
  }
  if (pathname === '/api/v1/log/publicKey') return textReply(200, String(log.publicKey.export({ type: 'spki', format: 'pem' })), 'application/x-pem-file');
  if (pathname === '/api/v1/log/entries') return request.method === 'POST' ? addEntry(request, options) : readEntry(Number(searchParams.get('logIndex') ?? Number.NaN), options);
  const uuid = /^\/api\/v1\/log\/entries\/(?:[0-9a-f]{16})?([0-9a-f]{64})$/.exec(pathname)?.[1];
  return uuid === undefined ? undefined : readEntry(log.find(uuid), options);
}

/** The tree id as Rekor prints it: a decimal number. */
export function treeNumber(treeId: string): string {
  return BigInt(`0x${treeId}`).toString();
}

function readEntry(index: number | undefined, options: RekorV1Options): Response {
  if (index === undefined || options.log.entry(index) === undefined) return problem(404, 'entry not found');
  return jsonReply(200, describe(index, options));
}

async function addEntry(request: Request, options: RekorV1Options): Promise<Response> {
  let body: Buffer;
  try {
    body = canonicalizeV1(await readJson(request));
  } catch (thrown) {
    if (thrown instanceof EntryRefused) return problem(400, `error processing entry: ${thrown.message}`);
    throw thrown;
  }
  const { index, added } = options.log.append(body, Math.floor(options.now().getTime() / 1000));
  const uuid = entryId(index, options);
  const location = `/api/v1/log/entries/${uuid}`;
  if (!added) return problem(409, `an equivalent entry already exists in the transparency log with UUID ${uuid}`, { location });
  return jsonReply(201, describe(index, options), { location, etag: uuid });
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EntryRefused('body is not JSON', { cause });
  }
}

const entryId = (index: number, options: RekorV1Options): string => `${options.treeId}${options.log.leafHash(index)}`;

function describe(index: number, options: RekorV1Options): unknown {
  const entry = options.log.entry(index);
  if (!isJsonObject(entry)) return {};
  const fields = { body: entry.body.toString('base64'), integratedTime: entry.time, logID: options.log.id.toString('hex'), logIndex: index };
  const proof = options.log.prove(index);
  const verification = {
    inclusionProof: { checkpoint: proof.checkpoint, hashes: proof.hashes.map((hash) => hash.toString('hex')), logIndex: index, rootHash: proof.root.toString('hex'), treeSize: proof.size },
    signedEntryTimestamp: sign('sha256', Buffer.from(canonicalJson(fields)), options.key).toString('base64'),
  };
  return { [entryId(index, options)]: { ...fields, verification } };
}
