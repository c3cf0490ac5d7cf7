// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Digest } from '@pratique/core';
import { canonicalCycloneDx } from './cyclonedx.ts';
import type { SbomSubject } from './sbom-subject.ts';
import { canonicalSpdx } from './spdx.ts';
import { stableUuid } from './stable-id.ts';

const digest: Digest = `sha256:${'a'.repeat(64)}`;
const subject: SbomSubject = { digest, platform: 'linux/arm64', created: '2026-01-01T00:00:00Z' };
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (document: Uint8Array): Record<string, unknown> => JSON.parse(new TextDecoder().decode(document)) as Record<string, unknown>;

/** What trivy writes for the same image: other random references, other time, another order. */
function cyclonedx(shuffle: <T>(items: readonly T[]) => T[]): Uint8Array {
  const [root, os, first, second] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const lodash = (reference: string, path: string) => ({ 'bom-ref': reference, type: 'library', name: 'lodash', purl: 'pkg:npm/lodash@4.17.20', properties: shuffle([{ name: 'aquasecurity:trivy:FilePath', value: path }, { name: 'aquasecurity:trivy:PkgType', value: 'node-pkg' }]) });
  return bytes({
    bomFormat: 'CycloneDX', specVersion: '1.7', serialNumber: `urn:uuid:${randomUUID()}`, version: 1,
    metadata: { timestamp: new Date().toISOString(), component: { 'bom-ref': root, type: 'container', name: 'x' } },
    components: shuffle([{ 'bom-ref': os, type: 'operating-system', name: 'debian' }, { 'bom-ref': 'pkg:npm/a@1', type: 'library', name: 'a' }, lodash(first, 'app/package.json'), lodash(second, 'srv/package.json')]),
    dependencies: shuffle([{ ref: root, dependsOn: shuffle([os, 'pkg:npm/a@1', first, second]) }, { ref: first, dependsOn: [] }, { ref: second, dependsOn: ['pkg:npm/a@1'] }]),
    vulnerabilities: [{ id: 'CVE-1' }],
  });
}

const shuffler = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })).map((numbers) => <T>(items: readonly T[]): T[] =>
  items.map((item) => ({ item, key: numbers.next().value ?? 0 })).sort((a, b) => a.key - b.key).map(({ item }) => item));

describe('a canonical CycloneDX document', () => {
  test('is the same whatever was random', () => {
    const expected = canonicalCycloneDx(cyclonedx((items) => [...items]), subject);
    fc.assert(fc.property(shuffler, (shuffle) => {
      expect(read(canonicalCycloneDx(cyclonedx(shuffle), subject))).toEqual(read(expected));
    }), { numRuns: 50 });
  });

  test('keeps who depends on whom', () => {
    const document = read(canonicalCycloneDx(cyclonedx((items) => items.toReversed()), subject)) as { components: { 'bom-ref': string; properties?: { value: string }[] }[]; dependencies: { ref: string; dependsOn: string[] }[] };
    const server = document.components.find(({ properties }) => properties?.some(({ value }) => value === 'srv/package.json'));
    expect(document.dependencies.find(({ ref }) => ref === server?.['bom-ref'])?.dependsOn).toEqual(['pkg:npm/a@1']);
  });

  test('is about the digest, at the time of the image, without vulnerabilities', () => {
    const document = read(canonicalCycloneDx(cyclonedx((items) => [...items]), subject));
    expect(document).toMatchObject({ serialNumber: `urn:uuid:${stableUuid('cyclonedx', digest)}`, metadata: { timestamp: subject.created, component: { name: digest, version: 'linux/arm64' } } });
    expect(document).not.toHaveProperty('vulnerabilities');
  });

  test('of another platform has another serial number', () => {
    const other = { ...subject, digest: `sha256:${'b'.repeat(64)}` as const };
    expect(read(canonicalCycloneDx(bytes({}), other))['serialNumber']).not.toBe(read(canonicalCycloneDx(bytes({}), subject))['serialNumber']);
  });
});

describe('a canonical SPDX document', () => {
  const spdx = (shuffle: <T>(items: readonly T[]) => T[]): Uint8Array => {
    const now = new Date().toISOString();
    return bytes({
      spdxVersion: 'SPDX-2.3', documentNamespace: `http://trivy.dev/x-${randomUUID()}`, creationInfo: { created: now, creators: shuffle(['Tool: trivy-0.72.0', 'Organization: aquasecurity']) },
      packages: shuffle([{ SPDXID: 'SPDXRef-1', annotations: shuffle([{ annotationDate: now, comment: 'a' }, { annotationDate: now, comment: 'b' }]) }, { SPDXID: 'SPDXRef-2' }]),
      relationships: shuffle([{ spdxElementId: 'SPDXRef-1', relatedSpdxElement: 'SPDXRef-2', relationshipType: 'CONTAINS' }, { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: 'SPDXRef-1', relationshipType: 'DESCRIBES' }]),
    });
  };
  test('is the same whatever was random', () => {
    const expected = read(canonicalSpdx(spdx((items) => [...items]), subject));
    fc.assert(fc.property(shuffler, (shuffle) => {
      expect(read(canonicalSpdx(spdx(shuffle), subject))).toEqual(expected);
    }), { numRuns: 50 });
    expect(expected).toMatchObject({ documentNamespace: `https://pratique.dev/spdx/${stableUuid('spdx', digest)}`, creationInfo: { created: subject.created } });
  });
});

test.each([['CycloneDX', canonicalCycloneDx], ['SPDX', canonicalSpdx]])('half a %s document is refused', (_, canonical) => {
  expect(() => canonical(bytes({ a: 1 }).subarray(0, 4), subject)).toThrow(expect.objectContaining({ code: 'SCAN_REPORT_INVALID' }) as Error);
});

test('stable UUIDs are UUIDs of version 8', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    expect(stableUuid(text)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }), { numRuns: 100 });
});
