// SPDX-License-Identifier: Apache-2.0
// Signs statements keyless: one certificate, DSSE, entries in every chosen log, stamps from every chosen authority, bundle v0.3.
import { Failure, type Context, type JsonObject, type SignerIdentity } from '@pratique/core';
import type { Envelope } from '@sigstore/bundle';
import type { SignatureBundle, Signer, Witness } from '@sigstore/sign';
import { createKeyHolder, type CertifiedKey } from './certificate.ts';
import { loadSigningServers, type SigningServers } from './signing-config.ts';
import { encodeStatement, payloadType } from './statement.ts';
import { requestTimestamp } from './timestamp.ts';
import { enterLog } from './transparency-log.ts';

/** Signs statements as the workload that the run is. */
export interface StatementSigner {
  /** Bundle v0.3, JSON. Fails with `SIGN_*`. Safe to call in parallel. */
  sign(statement: object): Promise<Uint8Array>;
  /** Who signs, as the certificate says it. */
  readonly identity: Extract<SignerIdentity, { kind: 'keyless' }>;
  /** Claims of the OIDC token that Fulcio verified. */
  readonly claims: JsonObject;
}

interface Signing {
  readonly ctx: Context;
  readonly servers: SigningServers;
  readonly key: () => Promise<CertifiedKey>;
}

/**
 * Takes an identity token and a certificate at once, so that a missing permission fails before any work.
 * `signingConfig`: a file, an https URL or JSON; undefined = the public good instance.
 * Fails with `IDENTITY_UNAVAILABLE`, `SIGN_IDENTITY_REFUSED`, `SIGN_CERTIFICATE_FAILED`, `SIGN_CONFIG_INVALID`, `SIGN_TRUST_UNAVAILABLE`.
 */
export async function createStatementSigner(ctx: Context, signingConfig: string | undefined): Promise<StatementSigner> {
  const servers = await loadSigningServers(ctx, signingConfig);
  const key = createKeyHolder(ctx, servers.authority);
  const { identity, claims } = await key();
  requireAgreement(claims, identity.extensions);
  return { identity, claims, sign: (statement) => signStatement({ ctx, servers, key }, encodeStatement(statement)) };
}

// What the statements take from the token must be what the certificate authority read in it.
const agreement = { sha: 'sourceDigest', ref: 'sourceRef', repository_id: 'sourceRepositoryId', repository_owner_id: 'ownerId', event_name: 'event', runner_environment: 'runnerEnvironment' } as const;

function requireAgreement(claims: JsonObject, extensions: Readonly<Record<string, string>>): void {
  for (const [claim, extension] of Object.entries(agreement)) {
    const certified = extensions[extension];
    if (claims[claim] === undefined || certified === undefined || String(claims[claim]) === certified) continue;
    throw new Failure({ code: 'SIGN_CERTIFICATE_FAILED', message: `the certificate does not say what the identity token says about ${claim}`, facts: { token: claims[claim], certificate: certified } });
  }
}

const rounds = 3;

async function signStatement(signing: Signing, payload: Uint8Array): Promise<Uint8Array> {
  for (let round = 1; round <= rounds; round += 1) {
    const bundle = await signOnce(signing, Buffer.from(payload));
    if (bundle !== undefined) return bundle;
  }
  throw new Failure({ code: 'SIGN_LOG_FAILED', message: `the log had an equal entry already, ${rounds} times` });
}

/** `undefined` when a log had the entry already (the reply to an earlier attempt was lost) and gives no proof: a new signature makes a new entry. */
async function signOnce({ ctx, servers, key }: Signing, payload: Buffer): Promise<Uint8Array | undefined> {
  // The builder's own module: the package's front door loads its HTTP clients and their dependencies, 0.9 MB that no signature here uses.
  const { DSSEBundleBuilder } = await import('@sigstore/sign/dist/bundler/dsse.js');
  const { bundleToJSON } = await import('@sigstore/bundle');
  const held = await key();
  let conflict = false;
  // @sigstore/sign assembles; the clients behind its interfaces are our own: its FulcioSigner asks for a certificate each time and has the
  // token in its errors, its RekorWitness posts a form that Rekor v2 no longer takes (5.1.0), and none of them honours Retry-After.
  const signer: Signer = { sign: (encoded) => Promise.resolve({ signature: held.sign(encoded), key: { $case: 'x509Certificate', certificate: held.pem } }) };
  const logs = servers.logs.map((log): Witness => ({
    testify: async (content) => {
      const entry = await enterLog(ctx, log, { ...(await signedBy(content)), certificate: held.certificate, pem: held.pem });
      conflict ||= entry === 'conflict';
      return entry === 'conflict' ? {} : { tlogEntries: [entry] };
    },
  }));
  const timestampers = servers.timestampers.map((authority): Witness => ({
    testify: async (content) => ({ rfc3161Timestamps: [{ signedTimestamp: await requestTimestamp(ctx, authority, (await signedBy(content)).signature) }] }),
  }));
  const bundle = await new DSSEBundleBuilder({ signer, witnesses: [...logs, ...timestampers] }).create({ data: payload, type: payloadType });
  return conflict ? undefined : new TextEncoder().encode(JSON.stringify(bundleToJSON(bundle)));
}

/** The envelope, the bytes that were signed, and the signature. */
async function signedBy(content: SignatureBundle): Promise<{ envelope: Envelope; encoded: Buffer; signature: Buffer }> {
  const { dsse } = await import('@sigstore/core');
  const signature = content.$case === 'dsseEnvelope' ? content.dsseEnvelope.signatures[0]?.sig : undefined;
  if (content.$case !== 'dsseEnvelope' || signature === undefined) throw new TypeError('the bundle holds no signed envelope');
  const envelope = content.dsseEnvelope;
  return { envelope, encoded: dsse.preAuthEncoding(envelope.payloadType, envelope.payload), signature };
}
