// SPDX-License-Identifier: Apache-2.0
// The two files that clients get: trusted root and signing config
// (https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto, in the JSON of protobuf).
import type { KeyObject } from 'node:crypto';
import type { Hierarchy } from './hierarchy.ts';
import type { TransparencyLog } from './transparency-log.ts';

/** What clients are told to trust. */
export interface TrustedParts {
  readonly start: Date;
  readonly fulcio: Hierarchy;
  readonly timestamps: Hierarchy;
  /** Base URL whose host is the name in the checkpoints. */
  readonly logs: readonly { readonly log: TransparencyLog; readonly baseUrl: string }[];
  readonly certificateLog: { readonly id: Buffer; readonly publicKey: KeyObject };
}

/** application/vnd.dev.sigstore.trustedroot+json;version=0.1 */
export function trustedRoot(parts: TrustedParts): unknown {
  const validFor = { start: parts.start.toISOString() };
  const authority = (uri: string, chain: readonly Buffer[]): unknown => ({
    subject: { organization: 'Pratique lab', commonName: uri.replace('https://', '') },
    uri,
    certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString('base64') })) },
    validFor,
  });
  const log = (baseUrl: string, id: Buffer, key: KeyObject): unknown => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: key.export({ type: 'spki', format: 'der' }).toString('base64'),
      keyDetails: key.asymmetricKeyType === 'ed25519' ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256',
      validFor,
    },
    logId: { keyId: id.toString('base64') },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: parts.logs.map((each) => log(each.baseUrl, each.log.id, each.log.publicKey)),
    certificateAuthorities: [authority('https://fulcio.pratique.test', parts.fulcio.chain)],
    ctlogs: [log('https://ct.pratique.test', parts.certificateLog.id, parts.certificateLog.publicKey)],
    timestampAuthorities: [authority('https://timestamps.pratique.test', parts.timestamps.chain)],
  };
}

/** Where clients find the services. */
export interface SigningParts {
  readonly start: Date;
  /** Where this sigstore is served, without a slash at the end. */
  readonly url: string;
  readonly issuers: readonly string[];
  readonly rekorVersion: 1 | 2;
}

/** application/vnd.dev.sigstore.signingconfig.v0.2+json */
export function signingConfig(parts: SigningParts): unknown {
  const service = (url: string, majorApiVersion: number): unknown => ({ url, majorApiVersion, validFor: { start: parts.start.toISOString() }, operator: 'pratique.test' });
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(parts.url, 1)],
    oidcUrls: parts.issuers.map((issuer) => service(issuer, 1)),
    rekorTlogUrls: [service(parts.url, parts.rekorVersion)],
    rekorTlogConfig: { selector: 'ANY' },
    // The whole path: cosign posts to the URL as it is, @sigstore/sign adds a path only when there is none.
    tsaUrls: [service(`${parts.url}/api/v1/timestamp`, 1)],
    tsaConfig: { selector: 'ANY' },
  };
}
