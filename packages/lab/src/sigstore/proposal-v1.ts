// SPDX-License-Identifier: Apache-2.0
// Proposed entries of Rekor v1: verified, then reduced to the canonical body that is logged
// (https://github.com/sigstore/rekor/tree/main/pkg/types: dsse 0.0.1, hashedrekord 0.0.1, intoto 0.0.2).
import { canonicalJson, isJsonObject, type JsonObject } from '@pratique/core';
import { sha256, verifyDigest } from './prehashed.ts';
import { EntryRefused, isSignedBy, readBase64, readVerifierKey } from './verifier-key.ts';

/** Canonical bytes of a proposed entry. Throws `EntryRefused`. */
export function canonicalizeV1(proposal: unknown): Buffer {
  if (!isJsonObject(proposal) || !isJsonObject(proposal['spec'])) throw new EntryRefused('entry has no spec');
  const { kind, apiVersion, spec } = proposal;
  const read = readers[`${String(kind)}/${String(apiVersion)}`];
  if (read === undefined || !isJsonObject(spec)) throw new EntryRefused(`unknown kind ${String(kind)} with version ${String(apiVersion)}`);
  return Buffer.from(canonicalJson({ apiVersion, kind, spec: read(spec) }));
}

const readers: Readonly<Record<string, (spec: JsonObject) => JsonObject>> = {
  'dsse/0.0.1': readDsse,
  'hashedrekord/0.0.1': readHashedRekord,
  'intoto/0.0.2': readIntoto,
};

const hashOf = (bytes: Uint8Array | string): JsonObject => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });

/** Pre-authentication encoding, https://github.com/secure-systems-lab/dsse/blob/master/protocol.md. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload]);
}

function object(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new EntryRefused(`${what} is missing`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new EntryRefused(`${what} is missing`);
}

function parseEnvelope(text: unknown): JsonObject {
  try {
    return object(JSON.parse(String(text)), 'envelope');
  } catch (cause) {
    throw new EntryRefused('envelope is not JSON', { cause });
  }
}

function readDsse(spec: JsonObject): JsonObject {
  const proposed = object(spec['proposedContent'], 'proposedContent');
  const envelope = parseEnvelope(proposed['envelope']);
  const payload = readBase64(envelope['payload'], 'payload');
  const signed = preAuthenticationEncoding(String(envelope['payloadType']), payload);
  const verifiers = list(proposed['verifiers'], 'verifiers').map((each) => readBase64(each, 'verifier'));
  const signatures = list(envelope['signatures'], 'signatures').map((each) => {
    const signature = object(each, 'signature')['sig'];
    const bytes = readBase64(signature, 'signature');
    const verifier = verifiers.find((pem) => isSignedBy(readVerifierKey(pem, 'pem'), signed, bytes));
    if (verifier === undefined) throw new EntryRefused('could not verify envelope: no verifier accepts the signature');
    return { signature, verifier: verifier.toString('base64') };
  });
  return { envelopeHash: hashOf(String(proposed['envelope'])), payloadHash: hashOf(payload), signatures };
}

function readHashedRekord(spec: JsonObject): JsonObject {
  const hash = object(object(spec['data'], 'data')['hash'], 'hash');
  const { content, publicKey } = object(spec['signature'], 'signature');
  const verifier = object(publicKey, 'publicKey')['content'];
  if (!/^[0-9a-f]{64,128}$/.test(String(hash['value']))) throw new EntryRefused('invalid value for hash');
  if (!verifyDigest(Buffer.from(String(hash['value']), 'hex'), readVerifierKey(readBase64(verifier, 'public key'), 'pem'), readBase64(content, 'signature'))) {
    throw new EntryRefused('verifying signature: invalid signature when validating ASN.1 encoded signature');
  }
  return { data: { hash: { algorithm: hash['algorithm'], value: hash['value'] } }, signature: { content, publicKey: { content: verifier } } };
}

// Payload and signature come base64-encoded twice; the payload is not kept.
function readIntoto(spec: JsonObject): JsonObject {
  const content = object(spec['content'], 'content');
  const envelope = object(content['envelope'], 'envelope');
  const payload = Buffer.from(readBase64(envelope['payload'], 'payload').toString(), 'base64');
  const signed = preAuthenticationEncoding(String(envelope['payloadType']), payload);
  const signatures = list(envelope['signatures'], 'signatures').map((each) => {
    const { sig, publicKey, keyid } = object(each, 'signature');
    const bytes = Buffer.from(readBase64(sig, 'signature').toString(), 'base64');
    if (!isSignedBy(readVerifierKey(readBase64(publicKey, 'public key'), 'pem'), signed, bytes)) throw new EntryRefused('could not verify envelope');
    return { sig, publicKey, ...(keyid ? { keyid } : {}) };
  });
  return { content: { envelope: { payloadType: envelope['payloadType'], signatures }, hash: object(content['hash'], 'hash'), payloadHash: hashOf(payload) } };
}
