// SPDX-License-Identifier: Apache-2.0
// Identifiers that depend on content alone.
import { createHash } from 'node:crypto';
import { canonicalJson } from '@pratique/core';

/** A UUID made of `material` (RFC 9562 section 5.8, version 8): equal material, equal UUID. */
export function stableUuid(...material: readonly unknown[]): string {
  const hex = createHash('sha256').update(canonicalJson(material)).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** `items` in the order of their canonical JSON. */
export function sortedByContent<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, key: canonicalJson(item) })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item);
}
