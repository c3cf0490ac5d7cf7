// SPDX-License-Identifier: Apache-2.0
// Reads a sigstore bundle (v0.3 and nothing older) that holds one DSSE envelope with one signature over an in-toto statement.
import { Failure, parseJsonObject } from '@pratique/core';
import type { BundleWithDsseEnvelope } from '@sigstore/bundle';
import { payloadType } from './statement.ts';

/** Largest bundle that is read or written, in bytes. */
export const bundleLimit = 16 * 1024 * 1024;

/** Media type of every bundle that is written. */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const mediaTypes = [bundleMediaType, 'application/vnd.dev.sigstore.bundle+json;version=0.3'];

/** Fails with `ATTESTATION_MALFORMED`. Nothing is verified yet. */
export async function readBundle(bytes: Uint8Array): Promise<BundleWithDsseEnvelope> {
  if (bytes.byteLength > bundleLimit) throw malformed(`it is larger than ${bundleLimit} bytes`);
  const document = parseJsonObject(bytes, 'the bundle', 'ATTESTATION_MALFORMED');
  if (!mediaTypes.includes(String(document['mediaType']))) throw malformed(`its mediaType is ${JSON.stringify(document['mediaType'])?.slice(0, 100)}, not a bundle v0.3`);
  const { bundleFromJSON, isBundleWithDsseEnvelope } = await import('@sigstore/bundle');
  let bundle;
  try {
    bundle = bundleFromJSON(document);
  } catch (cause) {
    throw malformed('a part of it is missing', cause);
  }
  if (!isBundleWithDsseEnvelope(bundle)) throw malformed('it signs bytes, not a statement');
  const { dsseEnvelope } = bundle.content;
  if (dsseEnvelope.signatures.length !== 1) throw malformed('it does not have exactly one signature');
  if (dsseEnvelope.payloadType !== payloadType) throw malformed(`its payloadType is not ${payloadType}`);
  return bundle;
}

function malformed(why: string, cause?: unknown): Failure {
  return new Failure({ code: 'ATTESTATION_MALFORMED', message: `the sigstore bundle cannot be read: ${why}`, ...(cause === undefined ? {} : { cause }) });
}
