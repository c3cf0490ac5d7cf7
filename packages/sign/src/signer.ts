// SPDX-License-Identifier: Apache-2.0
// Signs statements keyless: one certificate, DSSE, entries in every chosen log, stamps from every chosen authority, bundle v0.3.
import { Failure, type Context, type JsonObject, type SignerIdentity } from '@pratique/core';
import type { TransparencyLogEntry } from '@sigstore/bundle';
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
  const { bundleToJSON, toDSSEBundle } = await import('@sigstore/bundle');
  const { dsse } = await import('@sigstore/core');
  const held = await key();
  const encoded = dsse.preAuthEncoding(payloadType, payload);
  const signature = held.sign(encoded);
  const bundle = toDSSEBundle({ artifact: payload, artifactType: payloadType, signature, certificate: held.certificate });
  const envelope = bundle.content.dsseEnvelope;
  const [entries, stamps] = await Promise.all([
    Promise.all(servers.logs.map((log) => enterLog(ctx, log, { envelope, encoded, signature, certificate: held.certificate, pem: held.pem }))),
    Promise.all(servers.timestampers.map((authority) => requestTimestamp(ctx, authority, signature))),
  ]);
  if (entries.includes('conflict')) return undefined;
  bundle.verificationMaterial.tlogEntries = entries.filter((entry): entry is TransparencyLogEntry => entry !== 'conflict');
  bundle.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: stamps.map((signedTimestamp) => ({ signedTimestamp })) };
  return new TextEncoder().encode(JSON.stringify(bundleToJSON(bundle)));
}
