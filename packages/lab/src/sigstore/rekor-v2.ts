// SPDX-License-Identifier: Apache-2.0
// Rekor's API v2 as rekor-tiles 2.3 speaks it: hashedrekord only, the reply is the complete entry, reads are left to a file server (501).
import { canonicalJson, isJsonObject, type JsonObject } from '@pratique/core';
import { jsonReply } from '../reply.ts';
import { verifyDigest } from './prehashed.ts';
import type { TransparencyLog } from './transparency-log.ts';
import { EntryRefused, readBase64, readVerifierKey } from './verifier-key.ts';

// HTTP status and google.rpc.Code, as the gRPC gateway pairs them.
const invalidArgument = [400, 3] as const;
const alreadyExists = [409, 6] as const;
const unimplemented = [501, 12] as const;

const digestNames: Readonly<Record<number, string>> = { 32: 'SHA2_256', 48: 'SHA2_384', 64: 'SHA2_512' };

const problem = ([status, code]: readonly [number, number], message: string, headers = {}): Response => jsonReply(status, { code, message, details: [] }, headers);

/** Answers a request under `/api/v2` that belongs to the log, or `undefined`. */
export async function handleRekorV2(request: Request, log: TransparencyLog, now: () => Date): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  if (pathname === '/api/v2/checkpoint' || pathname.startsWith('/api/v2/tile/')) return problem(unimplemented, 'Not Implemented');
  if (pathname !== '/api/v2/log/entries' || request.method !== 'POST') return undefined;
  try {
    const { index, added } = log.append(canonicalizeV2(await request.text()), Math.floor(now().getTime() / 1000));
    if (!added) return problem(alreadyExists, `an equivalent entry already exists in the transparency log with index ${index}`, { 'x-log-index': String(index) });
    return jsonReply(201, describe(index, log));
  } catch (thrown) {
    if (thrown instanceof EntryRefused) return problem(invalidArgument, thrown.message);
    throw thrown;
  }
}

function canonicalizeV2(text: string): Buffer {
  const request = parse(text)['hashedRekordRequestV002'];
  // What dsseRequestV002 gets since rekor-tiles 2.3.0.
  if (!isJsonObject(request)) throw new EntryRefused('invalid type, must be hashedrekord');
  const digest = readBase64(request['digest'], 'digest');
  const algorithm = digestNames[digest.length];
  const signature = request['signature'];
  if (algorithm === undefined) throw new EntryRefused('invalid hashedrekord request: invalid digest length');
  if (!isJsonObject(signature) || !isJsonObject(signature['verifier'])) throw new EntryRefused('invalid hashedrekord request: missing signature or verifier');
  const verifier = readVerifier(signature['verifier']);
  const content = readBase64(signature['content'], 'signature');
  if (!verifyDigest(digest, verifier.key, content)) throw new EntryRefused('verifying signature: invalid signature');
  return Buffer.from(canonicalJson({
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: { hashedRekordV002: { data: { algorithm, digest: digest.toString('base64') }, signature: { content: content.toString('base64'), verifier: verifier.canonical } } },
  }));
}

function readVerifier(verifier: JsonObject) {
  const { keyDetails, x509Certificate, publicKey } = verifier;
  const named = isJsonObject(x509Certificate) ? x509Certificate : publicKey;
  if (typeof keyDetails !== 'string' || !isJsonObject(named)) throw new EntryRefused('invalid hashedrekord request: missing verifier');
  const rawBytes = readBase64(named['rawBytes'], 'verifier');
  const form = named === x509Certificate ? 'certificate' : 'publicKey';
  const canonical = { keyDetails, [form === 'certificate' ? 'x509Certificate' : 'publicKey']: { rawBytes: rawBytes.toString('base64') } };
  return { key: readVerifierKey(rawBytes, form), canonical };
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw new EntryRefused('invalid JSON', { cause });
  }
  throw new EntryRefused('invalid JSON');
}

/** dev.sigstore.rekor.v1.TransparencyLogEntry in the JSON of protobuf: 64-bit numbers are strings. */
function describe(index: number, log: TransparencyLog): unknown {
  const proof = log.prove(index);
  return {
    logIndex: String(index),
    logId: { keyId: log.id.toString('base64') },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: String(index),
      rootHash: proof.root.toString('base64'),
      treeSize: String(proof.size),
      hashes: proof.hashes.map((hash) => hash.toString('base64')),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: log.entry(index)?.body.toString('base64'),
  };
}
