// SPDX-License-Identifier: Apache-2.0
// The tamper table: each change to a good bundle, or to what is trusted, ends in its code.
import { Failure, isJsonObject, predicateTypes, type Digest, type FailureCode } from '@pratique/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createStatementSigner } from './signer.ts';
import { toStatement } from './statement.ts';
import { createTestWorld } from '../../../test/fixtures/sign-world.ts';
import { loadTrustMaterial, type TrustMaterial } from './trust.ts';
import { verifyAttestation } from './verify.ts';

const subject: Digest = `sha256:${'5'.repeat(64)}`;
const descriptor = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: subject, size: 7 };

interface MutableBundle {
  mediaType: string;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] };
  verificationMaterial: {
    certificate?: { rawBytes: string };
    publicKey?: { hint: string };
    tlogEntries: { logIndex: string; canonicalizedBody: string; inclusionProof: { rootHash: string } }[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
}

let trust: TrustMaterial;
let otherTrust: TrustMaterial;
let rootJson: string;
let good: MutableBundle;
let second: MutableBundle;
let foreign: MutableBundle;

const parse = (bytes: Uint8Array): MutableBundle => JSON.parse(new TextDecoder().decode(bytes)) as MutableBundle;
const bytesOf = (bundle: MutableBundle): Uint8Array => new TextEncoder().encode(JSON.stringify(bundle));
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const payloadOf = (bundle: MutableBundle): Record<string, unknown> => JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as Record<string, unknown>;
const corrupt = (text: string): string => {
  const bytes = Buffer.from(text, 'base64');
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  return bytes.toString('base64');
};

async function codeOf(bundle: Uint8Array, by: TrustMaterial = trust, about: Digest = subject): Promise<FailureCode | 'verified'> {
  try {
    await verifyAttestation({ bundle, subject: about, trust: by });
    return 'verified';
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}

beforeAll(async () => {
  await using world = await createTestWorld();
  await using other = await createTestWorld();
  const statement = toStatement({ subject: descriptor, predicateType: predicateTypes.signature, predicate: {} });
  const signer = await createStatementSigner(world.ctx, world.config(2));
  const otherSigner = await createStatementSigner(other.ctx, other.config(2));
  [good, second, foreign] = await Promise.all([signer.sign(statement).then(parse), signer.sign(statement).then(parse), otherSigner.sign(statement).then(parse)]);
  rootJson = world.trustedRoot;
  trust = await loadTrustMaterial(world.ctx, world.trustedRoot);
  otherTrust = await loadTrustMaterial(other.ctx, other.trustedRoot);
});

const changes: readonly (readonly [string, FailureCode, (bundle: MutableBundle) => void])[] = [
  ['another payload', 'ATTESTATION_UNTRUSTED', (b) => { b.dsseEnvelope.payload = base64({ ...payloadOf(b), predicate: { forged: true } }); }],
  ['another predicate type', 'ATTESTATION_UNTRUSTED', (b) => { b.dsseEnvelope.payload = base64({ ...payloadOf(b), predicateType: predicateTypes.verdict }); }],
  ['a broken signature', 'ATTESTATION_UNTRUSTED', (b) => { b.dsseEnvelope.signatures = [{ sig: corrupt(good.dsseEnvelope.signatures[0]?.sig ?? '') }]; }],
  ['the signature of another bundle', 'ATTESTATION_UNTRUSTED', (b) => { b.dsseEnvelope.signatures = second.dsseEnvelope.signatures; }],
  ['a log entry of another bundle', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.tlogEntries = second.verificationMaterial.tlogEntries; }],
  ['a log entry of a foreign log', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.tlogEntries = foreign.verificationMaterial.tlogEntries; }],
  ['no log entry', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.tlogEntries = []; }],
  ['the log entry twice', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.tlogEntries.push(...good.verificationMaterial.tlogEntries); }],
  ['a log body that is not JSON', 'ATTESTATION_UNTRUSTED', (b) => { for (const entry of b.verificationMaterial.tlogEntries) entry.canonicalizedBody = 'AAAA'; }],
  ['no timestamp', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.timestampVerificationData.rfc3161Timestamps = []; }],
  ['a timestamp of another bundle', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.timestampVerificationData = second.verificationMaterial.timestampVerificationData; }],
  ['a foreign timestamp', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.timestampVerificationData = foreign.verificationMaterial.timestampVerificationData; }],
  ['a timestamp that is not DER', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.timestampVerificationData.rfc3161Timestamps = [{ signedTimestamp: 'AAAA' }]; }],
  ['a certificate of another authority', 'ATTESTATION_UNTRUSTED', (b) => { b.verificationMaterial.certificate = foreign.verificationMaterial.certificate ?? { rawBytes: '' }; }],
  ['a key hint in place of the certificate', 'ATTESTATION_UNTRUSTED', (b) => { delete b.verificationMaterial.certificate; b.verificationMaterial.publicKey = { hint: 'key' }; }],
  ['two signatures', 'ATTESTATION_MALFORMED', (b) => { b.dsseEnvelope.signatures.push(...second.dsseEnvelope.signatures); }],
  ['no signature', 'ATTESTATION_MALFORMED', (b) => { b.dsseEnvelope.signatures = []; }],
  ['another payload type', 'ATTESTATION_MALFORMED', (b) => { b.dsseEnvelope.payloadType = 'text/plain'; }],
  ['an old media type', 'ATTESTATION_MALFORMED', (b) => { b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2'; }],
];

describe('verifyAttestation', () => {
  test('the untouched bundle verifies', async () => {
    expect(await codeOf(bytesOf(good))).toBe('verified');
  });

  test.each(changes)('%s: %s', async (_, code, change) => {
    const bundle = structuredClone(good);
    change(bundle);
    expect(await codeOf(bytesOf(bundle))).toBe(code);
  });

  test('a statement about another digest: ATTESTATION_SUBJECT_MISMATCH', async () => {
    expect(await codeOf(bytesOf(good), trust, `sha256:${'6'.repeat(64)}`)).toBe('ATTESTATION_SUBJECT_MISMATCH');
  });

  test('another trusted root: ATTESTATION_UNTRUSTED', async () => {
    expect(await codeOf(bytesOf(good), otherTrust)).toBe('ATTESTATION_UNTRUSTED');
  });

  test('text that is no JSON: ATTESTATION_MALFORMED', async () => {
    expect(await codeOf(new TextEncoder().encode('{"mediaType":'))).toBe('ATTESTATION_MALFORMED');
  });

  test('a key of the log that begins after the signature: ATTESTATION_UNTRUSTED', async () => {
    await using world = await createTestWorld();
    const late = withLogStart(new Date(Date.now() + 3_600_000).toISOString());
    expect(await codeOf(bytesOf(good), await loadTrustMaterial(world.ctx, late))).toBe('ATTESTATION_UNTRUSTED');
  });

  test('logs without a start of validity are not believed', async () => {
    await using world = await createTestWorld();
    await expect(loadTrustMaterial(world.ctx, withLogStart(undefined))).rejects.toMatchObject({ code: 'SIGN_CONFIG_INVALID' });
  });
});

describe('a certificate that has expired', () => {
  test('still proves what was stamped while it was valid, and nothing that was stamped later', async () => {
    let now = new Date();
    await using world = await createTestWorld({ now: () => now });
    const statement = toStatement({ subject: descriptor, predicateType: predicateTypes.signature, predicate: {} });
    const signer = await createStatementSigner(world.ctx, world.config(2));
    const early = parse(await signer.sign(statement));
    now = new Date(now.getTime() + 3_600_000);
    const late = await restamp(early, world.ctx.fetch);
    const by = await loadTrustMaterial(world.ctx, world.trustedRoot);
    expect(await codeOf(bytesOf(early), by)).toBe('verified');
    expect(await codeOf(bytesOf(late), by)).toBe('ATTESTATION_UNTRUSTED');
  });
});

async function restamp(bundle: MutableBundle, fetchFrom: typeof fetch): Promise<MutableBundle> {
  const { timestampRequest } = await import('./timestamp.ts');
  const body = timestampRequest(Buffer.from(bundle.dsseEnvelope.signatures[0]?.sig ?? '', 'base64'));
  const response = await fetchFrom('https://sigstore.test/api/v1/timestamp', { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'application/timestamp-query' } });
  const signedTimestamp = Buffer.from(await response.arrayBuffer()).toString('base64');
  const late = structuredClone(bundle);
  late.verificationMaterial.timestampVerificationData.rfc3161Timestamps = [{ signedTimestamp }];
  return late;
}

function withLogStart(start: string | undefined): string {
  const root: unknown = JSON.parse(rootJson);
  const logs: unknown = isJsonObject(root) ? root['tlogs'] : undefined;
  for (const log of Array.isArray(logs) ? logs : []) log.publicKey.validFor = start === undefined ? {} : { start };
  return JSON.stringify(root);
}
