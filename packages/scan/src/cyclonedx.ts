// SPDX-License-Identifier: Apache-2.0
// CycloneDX documents that are the same bytes whenever the same image is looked at (https://cyclonedx.org/docs/1.7/json/).
import { canonicalJson, isJsonObject, parseJsonObject, type JsonObject } from '@pratique/core';
import type { SbomSubject } from './sbom-subject.ts';
import { sortedByContent, stableUuid } from './stable-id.ts';

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The document with serial number, time, random references and order made stable. Fails with `SCAN_REPORT_INVALID`. */
export function canonicalCycloneDx(bytes: Uint8Array, subject: SbomSubject): Uint8Array {
  const document = parseJsonObject(bytes, 'the CycloneDX document', 'SCAN_REPORT_INVALID');
  const metadata = isJsonObject(document['metadata']) ? document['metadata'] : {};
  const root = isJsonObject(metadata['component']) ? metadata['component'] : {};
  const named = { ...root, name: subject.digest, version: subject.platform };
  const renamed = renameReferences({ ...document, metadata: { ...metadata, timestamp: subject.created, component: named } }, subject);
  // Vulnerabilities belong to the scan, which ages; the inventory does not.
  const { vulnerabilities: _, ...inventory } = renamed;
  return new TextEncoder().encode(canonicalJson(sortLists({ ...inventory, serialNumber: `urn:uuid:${stableUuid('cyclonedx', subject.digest)}` })));
}

// trivy gives a random UUID to whatever has no package URL, or not one of its own.
function renameReferences(document: JsonObject, subject: SbomSubject): JsonObject {
  const metadata = document['metadata'] as JsonObject;
  const components = [metadata['component'], ...(Array.isArray(document['components']) ? document['components'] : [])].filter(isJsonObject);
  const names = new Map<string, string>();
  const seen = new Map<string, number>();
  for (const component of sortedByContent(components.map(({ 'bom-ref': reference, ...rest }) => ({ rest: sortLists(rest), reference })))) {
    if (typeof component.reference !== 'string' || !uuid.test(component.reference)) continue;
    const content = canonicalJson(component.rest);
    const count = seen.get(content) ?? 0;
    seen.set(content, count + 1);
    names.set(component.reference, stableUuid(subject.digest, content, count));
  }
  return rename(document, names) as JsonObject;
}

function rename(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item) => rename(item, names));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rename(item, names)]));
}

// None of the lists that trivy writes has an order that means anything.
function sortLists(value: unknown): unknown {
  if (Array.isArray(value)) return sortedByContent(value.map(sortLists));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sortLists(item)]));
}
