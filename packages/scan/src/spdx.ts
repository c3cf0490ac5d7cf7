// SPDX-License-Identifier: Apache-2.0
// SPDX documents that are the same bytes whenever the same image is looked at (https://spdx.github.io/spdx-spec/v2.3/).
import { canonicalJson, isJsonObject, parseJsonObject } from '@pratique/core';
import type { SbomSubject } from './sbom-subject.ts';
import { sortedByContent, stableUuid } from './stable-id.ts';

/** The document with namespace, times and order made stable. Fails with `SCAN_REPORT_INVALID`. */
export function canonicalSpdx(bytes: Uint8Array, subject: SbomSubject): Uint8Array {
  const document = parseJsonObject(bytes, 'the SPDX document', 'SCAN_REPORT_INVALID');
  const creation = isJsonObject(document['creationInfo']) ? document['creationInfo'] : {};
  const stable = {
    ...document,
    documentNamespace: `https://pratique.dev/spdx/${stableUuid('spdx', subject.digest)}`,
    creationInfo: { ...creation, created: subject.created },
  };
  return new TextEncoder().encode(canonicalJson(settle(stable, subject.created)));
}

// Order means nothing in an SPDX document; annotations carry the time of the conversion.
function settle(value: unknown, created: string): unknown {
  if (Array.isArray(value)) return sortedByContent(value.map((item) => settle(item, created)));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'annotationDate' ? created : settle(item, created)]));
}
