// SPDX-License-Identifier: Apache-2.0
// Enters a signed envelope into a transparency log: Rekor v1 (type dsse) and v2 (type hashedrekord over the PAE).
import { createHash } from 'node:crypto';
import type { Envelope, TransparencyLogEntry as BundleLogEntry } from '@sigstore/bundle';
import { Failure, isJsonObject, parseJsonObject, type Context, type JsonObject } from '@pratique/core';
import { callService } from './service-call.ts';
import type { SigningServer } from './signing-config.ts';

/** What is logged. */
export interface SignedEnvelope {
  readonly envelope: Envelope;
  /** DSSE pre-authentication encoding: the bytes that were signed. */
  readonly encoded: Buffer;
  readonly signature: Buffer;
  readonly certificate: Buffer;
  readonly pem: string;
}

/** A log entry as a bundle holds it; `conflict` = the log has an equal entry and gives no proof for it: sign anew. */
export type LogAnswer = BundleLogEntry | 'conflict';

/** Fails with `SIGN_LOG_FAILED`, or `SIGN_CONFIG_INVALID` when the log refuses the request. */
export function enterLog(ctx: Context, log: SigningServer, signed: SignedEnvelope): Promise<LogAnswer> {
  return log.version === 1 ? enterVersion1(ctx, log, signed) : enterVersion2(ctx, log, signed);
}

const call = { timeoutSeconds: 30, unavailable: 'SIGN_LOG_FAILED', refused: 'SIGN_CONFIG_INVALID', accept: [409] } as const;

// Since 2026-05 there is no dsse type: the digest of the PAE goes in as hashedrekord (sigstore/architecture-docs#63).
async function enterVersion2(ctx: Context, log: SigningServer, signed: SignedEnvelope): Promise<LogAnswer> {
  const digest = createHash('sha256').update(signed.encoded).digest('base64');
  const verifier = { x509Certificate: { rawBytes: signed.certificate.toString('base64') }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
  const body = JSON.stringify({ hashedRekordRequestV002: { digest, signature: { content: signed.signature.toString('base64'), verifier } } });
  // The log answers when the entry is in a published checkpoint: up to 10 s by default (rekor-tiles 2.3.0).
  const reply = await callService(ctx, { ...call, url: `${log.url}/api/v2/log/entries`, body });
  if (reply.status === 409) return 'conflict';
  return readEntry(log, parseJsonObject(reply.bytes, `the answer of ${log.url}`, 'SIGN_LOG_FAILED'));
}

async function enterVersion1(ctx: Context, log: SigningServer, signed: SignedEnvelope): Promise<LogAnswer> {
  const { envelopeToJSON } = await import('@sigstore/bundle');
  const proposedContent = { envelope: JSON.stringify(envelopeToJSON(signed.envelope)), verifiers: [Buffer.from(signed.pem).toString('base64')] };
  const url = `${log.url}/api/v1/log/entries`;
  const reply = await callService(ctx, { ...call, url, body: JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } }) });
  if (reply.status !== 409) return readVersion1(log, reply.bytes);
  // A reply was lost: the entry is there, and version 1 gives it back.
  const uuid = /([0-9a-f]{64,80})$/.exec(reply.headers.get('location') ?? '')?.[1];
  if (uuid === undefined) return 'conflict';
  const { accept: _, ...get } = call;
  return readVersion1(log, (await callService(ctx, { ...get, url: `${url}/${uuid}` })).bytes);
}

function readVersion1(log: SigningServer, bytes: Uint8Array): Promise<BundleLogEntry> {
  const [entry, ...others] = Object.values(parseJsonObject(bytes, `the answer of ${log.url}`, 'SIGN_LOG_FAILED'));
  if (!isJsonObject(entry) || others.length > 0 || !isJsonObject(entry['verification']) || typeof entry['body'] !== 'string') throw incomplete(log);
  const body = parseJsonObject(Buffer.from(entry['body'], 'base64'), `the entry of ${log.url}`, 'SIGN_LOG_FAILED');
  const { inclusionProof, signedEntryTimestamp } = entry['verification'];
  if (!isJsonObject(inclusionProof) || typeof signedEntryTimestamp !== 'string') throw incomplete(log);
  return readEntry(log, {
    logIndex: String(entry['logIndex']), logId: { keyId: hexToBase64(entry['logID']) }, integratedTime: String(entry['integratedTime']),
    kindVersion: { kind: body['kind'], version: body['apiVersion'] }, canonicalizedBody: entry['body'],
    inclusionPromise: { signedEntryTimestamp }, inclusionProof: proofOf(inclusionProof),
  });
}

async function readEntry(log: SigningServer, json: JsonObject): Promise<BundleLogEntry> {
  const { TransparencyLogEntry } = await import('@sigstore/protobuf-specs');
  const { logId, kindVersion, ...entry } = TransparencyLogEntry.fromJSON(json);
  if (logId === undefined || kindVersion === undefined || entry.inclusionProof === undefined) throw incomplete(log);
  return { ...entry, logId, kindVersion };
}

function proofOf(proof: JsonObject): JsonObject {
  const hashes: unknown[] = Array.isArray(proof['hashes']) ? proof['hashes'] : [];
  return {
    logIndex: String(proof['logIndex']), treeSize: String(proof['treeSize']), rootHash: hexToBase64(proof['rootHash']), hashes: hashes.map(hexToBase64),
    checkpoint: { envelope: proof['checkpoint'] },
  };
}

const hexToBase64 = (hex: unknown): string => Buffer.from(String(hex), 'hex').toString('base64');

function incomplete(log: SigningServer): Failure {
  return new Failure({ code: 'SIGN_LOG_FAILED', message: `${log.url} answered without a complete entry` });
}
