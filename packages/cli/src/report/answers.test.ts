// SPDX-License-Identifier: Apache-2.0
// Where else an answer is asked for: only where a believed verdict on this digest says; strangers cannot crowd it out.
import { predicateTypes, type Digest, type SignerIdentity } from '@pratique/core';
import { parseTrust } from '@pratique/policy';
import { expect, test } from 'vitest';
import type { Leaf } from '../image-contents.ts';
import { otherPlaces } from './answers.ts';

const digest: Digest = `sha256:${'1'.repeat(64)}`;
const trust = parseTrust('gate:\n  - {issuer: "https://i.example", identity: gate}\n');
const signer = (identity: string): SignerIdentity => ({ kind: 'keyless', issuer: 'https://i.example', identity, extensions: {} });
const leaf = (identity: string, resourceUri: unknown): Leaf => ({
  digest, type: predicateTypes.verdict,
  proof: { state: 'verified', attestation: { predicateType: predicateTypes.verdict, predicate: { resourceUri }, signer: signer(identity), trustedTime: new Date(0), payload: digest, logIndex: '1' } },
});
const places = (...leaves: readonly Leaf[]): string[] => otherPlaces({ pinned: { registry: 'r.example', repository: 'quarantine/app', digest }, branches: [{ label: 'image', digest, leaves, unread: 0 }] }, trust).map(({ repository }) => repository);

test.each<readonly [string, readonly Leaf[], readonly string[]]>([
  ['the release that the gate names, once', [leaf('gate', `r.example/app@${digest}`), leaf('gate', `r.example/app@${digest}`)], ['app']],
  ['strangers before it', [...Array.from({ length: 9 }, (_, index) => leaf('stranger', `r.example/planted${index}@${digest}`)), leaf('gate', `r.example/app@${digest}`)], ['app']],
  ['where it stands is no other place', [leaf('gate', `r.example/quarantine/app@${digest}`)], []],
  ['another digest, a tag, no text', [leaf('gate', `r.example/app@sha256:${'2'.repeat(64)}`), leaf('gate', 'r.example/app:1'), leaf('gate', 7)], []],
  ['five at the most', Array.from({ length: 9 }, (_, index) => leaf('gate', `r.example/app${index}@${digest}`)), ['app0', 'app1', 'app2', 'app3', 'app4']],
])('%s', (_, leaves, expected) => {
  expect(places(...leaves)).toEqual(expected);
});
