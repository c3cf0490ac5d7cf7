// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON, bundleToJSON, type Bundle, type SerializedBundle } from '@sigstore/bundle';
import { TransparencyLogEntry, TrustedRoot } from '@sigstore/protobuf-specs';
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newTokenPrivateKey, signToken, tokenKey, type TokenKey } from '../identity-token.ts';
import { serve, type Served } from '../serve.ts';
import { preAuthenticationEncoding } from './proposal-v1.ts';
import { createSigstore, type Sigstore } from './sigstore.ts';

const issuer = 'https://github.test/_oidc';
const folder = mkdtempSync(join(tmpdir(), 'sigstore-'));
const claims = {
  iss: issuer, aud: 'sigstore', sub: 'repo:acme/app:ref:refs/heads/main', event_name: 'push', sha: 'a'.repeat(40), workflow: 'release', repository: 'acme/app', ref: 'refs/heads/main',
  job_workflow_ref: 'acme/app/.github/workflows/gate.yml@refs/heads/main', job_workflow_sha: 'b'.repeat(40), runner_environment: 'github-hosted', repository_id: '2002', repository_owner: 'acme',
  repository_owner_id: '1001', workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main', workflow_sha: 'c'.repeat(40), run_id: '77', run_attempt: '1', repository_visibility: 'private',
};
let key: TokenKey;
let sigstore: Sigstore;
let served: Served;

const issuerFetch: typeof fetch = (input) => {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  return Promise.resolve(pathname === '/_oidc/keys' ? Response.json({ keys: [key.jwk] }) : Response.json({ issuer, jwks_uri: `${issuer}/keys` }));
};
const open = (): Promise<Sigstore> => createSigstore({ folder, issuers: [{ url: issuer, type: 'github-workflow' }], fetch: issuerFetch });
const now = (): number => Math.floor(Date.now() / 1000);
const token = (changes: object = {}, by = key): string => signToken(by, { ...claims, exp: now() + 300, ...changes });

beforeAll(async () => {
  key = tokenKey(await newTokenPrivateKey());
  sigstore = await open();
  served = await serve((request) => sigstore.handle(request));
});
afterAll(async () => {
  await served.close();
  sigstore.close();
  rmSync(folder, { recursive: true });
});

/** Posts what rekor-tiles 2.3 wants: hashedrekord over the DSSE pre-authentication encoding. */
const witnessV2: Witness = {
  async testify(content, pem) {
    if (content.$case !== 'dsseEnvelope') throw new TypeError(content.$case);
    const { payloadType, payload, signatures } = content.dsseEnvelope;
    const digest = createHash('sha256').update(preAuthenticationEncoding(payloadType, payload)).digest('base64');
    const verifier = { x509Certificate: { rawBytes: new X509Certificate(pem).raw.toString('base64') }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
    const body = JSON.stringify({ hashedRekordRequestV002: { digest, signature: { content: signatures[0]?.sig.toString('base64'), verifier } } });
    const reply = await fetch(`${served.url}/api/v2/log/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (reply.status !== 201) throw new Error(await reply.text());
    return { tlogEntries: [TransparencyLogEntry.fromJSON(await reply.json())] } as Awaited<ReturnType<Witness['testify']>>;
  },
};
const witnesses: Readonly<Record<string, () => Witness>> = {
  'v1 dsse': () => new RekorWitness({ rekorBaseURL: served.url, entryType: 'dsse' }),
  'v1 intoto': () => new RekorWitness({ rekorBaseURL: served.url, entryType: 'intoto' }),
  'v2 hashedrekord': () => witnessV2,
};

async function makeBundle(witness: Witness, payload: string): Promise<Bundle> {
  const signer = new FulcioSigner({ fulcioBaseURL: served.url, identityProvider: { getToken: () => Promise.resolve(token()) } });
  const timestamps = new TSAWitness({ tsaBaseURL: `${served.url}/api/v1/timestamp` });
  return new DSSEBundleBuilder({ signer, witnesses: [witness, timestamps] }).create({ data: Buffer.from(payload), type: 'application/vnd.in-toto+json' });
}

function check(bundle: SerializedBundle, root: unknown = sigstore.trustedRoot): ReturnType<Verifier['verify']> {
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  return verifier.verify(toSignedEntity(bundleFromJSON(bundle)), { subjectAlternativeName: `^https://github.com/${claims.job_workflow_ref.replaceAll('.', '\\.')}$`, extensions: { issuer } });
}

describe('bundles', () => {
  test.each(Object.entries(witnesses))('%s: verifies with all thresholds 1, also in a log that has grown, and not when tampered with', async (name, witness) => {
    for (let index = 0; index < 5; index += 1) {
      const bundle = bundleToJSON(await makeBundle(witness(), `{"${name}":${index}}`));
      expect(check(bundle).identity).toMatchObject({ extensions: { issuer } });
      const envelope = bundle.dsseEnvelope;
      const payload = Buffer.from('{"other":1}').toString('base64');
      if (envelope === undefined) throw new TypeError('no envelope');
      expect(() => check({ ...bundle, dsseEnvelope: { ...envelope, payload } })).toThrow(/signature verification failed|mismatch/);
    }
  });

  test('an entry of another bundle, a missing timestamp and a foreign root are refused', async () => {
    const [one, other] = [bundleToJSON(await makeBundle(witnessV2, '1')), bundleToJSON(await makeBundle(witnessV2, '2'))];
    const material = one.verificationMaterial;
    expect(() => check({ ...one, verificationMaterial: { ...material, tlogEntries: other.verificationMaterial.tlogEntries } })).toThrow(/mismatch/);
    expect(() => check({ ...one, verificationMaterial: { ...material, timestampVerificationData: { rfc3161Timestamps: [] } } })).toThrow(/timestamp/i);
    const elsewhere = await createSigstore({ folder: join(folder, 'elsewhere'), issuers: [] });
    expect(() => check(one, elsewhere.trustedRoot)).toThrow();
    elsewhere.close();
  });

  test('the certificate says what the token said', async () => {
    const bundle = bundleToJSON(await makeBundle(witnessV2, 'certificate'));
    const certificate = new X509Certificate(Buffer.from(bundle.verificationMaterial.certificate?.rawBytes ?? '', 'base64'));
    expect(certificate.subjectAltName).toBe(`URI:https://github.com/${claims.job_workflow_ref}`);
    expect(certificate.validToDate.getTime() - certificate.validFromDate.getTime()).toBe(600_000);
    const found = [...certificate.raw.toString('latin1').matchAll(/\x2b\x06\x01\x04\x01\x83\xbf\x30\x01([\s\S])/g)].map((match) => match[1]?.charCodeAt(0));
    expect(found).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24]);
    for (const text of ['https://github.com/acme/app/actions/runs/77/attempts/1', 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main']) expect(certificate.raw.includes(text)).toBe(true);
  });
});

interface CertificateRequest { readonly token: string; readonly challenge?: string; readonly key?: KeyObject }

async function askCertificate({ token: idToken, challenge = claims.sub, key: signer }: CertificateRequest): Promise<{ status: number; body: string }> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const proofOfPossession = sign('sha256', Buffer.from(challenge), signer ?? pair.privateKey).toString('base64');
  const body = JSON.stringify({ publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: pair.publicKey.export({ type: 'spki', format: 'pem' }) }, proofOfPossession } });
  const reply = await sigstore.handle(new Request('https://x/api/v2/signingCert', { method: 'POST', headers: { authorization: `Bearer ${idToken}` }, body }));
  return { status: reply.status, body: await reply.text() };
}

describe('Fulcio', () => {
  const foreign = createPrivateKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const refusals: ReadonlyArray<readonly [string, () => Promise<CertificateRequest>, number, RegExp]> = [
    ['wrong audience', () => Promise.resolve({ token: token({ aud: 'other' }) }), 400, /There was an error processing the identity token/],
    ['expired', () => Promise.resolve({ token: token({ exp: now() - 120 }) }), 400, /There was an error processing the identity token/],
    ['issuer that is not configured', () => Promise.resolve({ token: token({ iss: 'https://evil.test' }) }), 400, /There was an error processing the identity token/],
    ['key of someone else', async () => ({ token: token({}, { ...tokenKey(await newTokenPrivateKey()), id: key.id }) }), 400, /There was an error processing the identity token/],
    ['not a token', () => Promise.resolve({ token: 'nonsense' }), 400, /There was an error processing the identity token/],
    ['claim missing', () => Promise.resolve({ token: token({ repository_visibility: undefined }) }), 400, /value <repository_visibility> not present in either claims or defaults/],
    ['proof over another subject', () => Promise.resolve({ token: token(), challenge: 'repo:evil/app' }), 400, /The signature supplied in the request could not be verified/],
    ['proof by another key', () => Promise.resolve({ token: token(), key: foreign }), 400, /The signature supplied in the request could not be verified/],
  ];
  test.each(refusals)('%s is refused', async (_, request, status, message) => {
    const reply = await askCertificate(await request());
    expect(reply.status).toBe(status);
    expect(reply.body).toMatch(message);
  });

  test('a good request with the token in the header is answered with 200 and three certificates', async () => {
    const reply = await askCertificate({ token: token() });
    expect(reply.status).toBe(200);
    expect(reply.body.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });
});

describe('logs', () => {
  const post = (path: string, body: unknown): Promise<Response> => sigstore.handle(new Request(`https://x${path}`, { method: 'POST', body: JSON.stringify(body) }));
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const digest = createHash('sha256').update('artifact').digest();
  const signature = sign('sha256', Buffer.from('artifact'), pair.privateKey).toString('base64');
  const rawBytes = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const v2Entry = (changes: object = {}) => ({ hashedRekordRequestV002: { digest: digest.toString('base64'), signature: { content: signature, verifier: { publicKey: { rawBytes }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' } }, ...changes } });
  const pem = Buffer.from(pair.publicKey.export({ type: 'spki', format: 'pem' })).toString('base64');
  const v1Entry = (value: string) => ({ apiVersion: '0.0.1', kind: 'hashedrekord', spec: { data: { hash: { algorithm: 'sha256', value } }, signature: { content: signature, publicKey: { content: pem } } } });

  test('v2: an equal entry is refused with its index, dsse with the words of the real one', async () => {
    const first = await post('/api/v2/log/entries', v2Entry());
    expect(first.status).toBe(201);
    const { logIndex } = TransparencyLogEntry.fromJSON(await first.json());
    const again = await post('/api/v2/log/entries', v2Entry());
    expect([again.status, again.headers.get('x-log-index')]).toEqual([409, logIndex]);
    const dsse = await post('/api/v2/log/entries', { dsseRequestV002: { envelope: {} } });
    expect([dsse.status, await dsse.json()]).toEqual([400, { code: 3, message: 'invalid type, must be hashedrekord', details: [] }]);
    expect((await sigstore.handle(new Request('https://x/api/v2/checkpoint'))).status).toBe(501);
  });

  test('v2: a signature over something else is not logged', async () => {
    const before = sigstore.entries.v2;
    expect((await post('/api/v2/log/entries', v2Entry({ digest: createHash('sha256').update('other').digest('base64') }))).status).toBe(400);
    expect(sigstore.entries.v2).toBe(before);
  });

  test('v1: created, found by uuid and index, 409 with Location on the second time', async () => {
    const first = await post('/api/v1/log/entries', v1Entry(digest.toString('hex')));
    const uuid = first.headers.get('etag') ?? '';
    expect([first.status, uuid.length]).toEqual([201, 80]);
    const entry = (await first.json() as Record<string, { logIndex: number; body: string }>)[uuid];
    for (const path of [`/api/v1/log/entries/${uuid}`, `/api/v1/log/entries/${uuid.slice(16)}`, `/api/v1/log/entries?logIndex=${entry?.logIndex}`]) {
      expect(await (await sigstore.handle(new Request(`https://x${path}`))).json()).toMatchObject({ [uuid]: { body: entry?.body } });
    }
    const again = await post('/api/v1/log/entries', v1Entry(digest.toString('hex')));
    expect([again.status, again.headers.get('location')]).toEqual([409, `/api/v1/log/entries/${uuid}`]);
    expect((await post('/api/v1/log/entries', v1Entry('0'.repeat(64)))).status).toBe(400);
    expect((await sigstore.handle(new Request(`https://x/api/v1/log/entries/${'0'.repeat(64)}`))).status).toBe(404);
  });

  test('a restart after a torn write keeps trusted root, entries and tree', async () => {
    const bundle = bundleToJSON(await makeBundle(witnessV2, 'before the restart'));
    const before = { root: sigstore.trustedRoot, entries: sigstore.entries };
    sigstore.close();
    const path = join(folder, 'rekor-v2.jsonl');
    const size = statSync(path).size;
    appendFileSync(path, '{"time":1,"body":"c29');
    sigstore = await open();
    expect(statSync(path).size).toBe(size);
    expect({ root: sigstore.trustedRoot, entries: sigstore.entries }).toEqual(before);
    check(bundle);
    check(bundleToJSON(await makeBundle(witnessV2, 'after the restart')));
  });

  test('a log whose lines make no sense is not opened', async () => {
    const broken = join(folder, 'broken');
    (await createSigstore({ folder: broken, issuers: [] })).close();
    appendFileSync(join(broken, 'rekor-v1.jsonl'), 'nonsense\n');
    await expect(createSigstore({ folder: broken, issuers: [] })).rejects.toMatchObject({ code: 'LAB_DATA_INVALID' });
  });
});

describe('timestamp authority', () => {
  test.each([
    ['JSON without a hash', 'application/json', '{}'],
    ['JSON that is none', 'application/json', 'x'],
    ['DER cut short', 'application/timestamp-query', '\x30\x39\x02'],
  ])('%s is refused', async (_, type, body) => {
    const reply = await sigstore.handle(new Request('https://x/api/v1/timestamp', { method: 'POST', headers: { 'content-type': type }, body }));
    expect(reply.status).toBe(400);
  });
});
