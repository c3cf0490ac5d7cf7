// SPDX-License-Identifier: Apache-2.0
// Documents by https: redirects are followed within bounds, and never to where anybody could answer.
import { createNodeContext } from '@pratique/host';
import { expect, test } from 'vitest';
import { readDocument } from './document.ts';

const redirects: Readonly<Record<string, string>> = {
  'https://a.test/moved': '/root.json', 'https://a.test/elsewhere': 'https://b.test/moved', 'https://b.test/moved': 'https://a.test/root.json',
  'https://a.test/open': 'http://a.test/root.json', 'https://a.test/circle': '/circle',
};

async function readFrom(url: string): Promise<unknown> {
  const answer = (from: string): Response => (redirects[from] === undefined ? Response.json({ from }) : new Response(null, { status: 302, headers: { location: redirects[from] } }));
  await using ctx = await createNodeContext({ fetch: (input) => Promise.resolve(answer(String(input))) });
  return readDocument(ctx, url, 'trusted-root').then((read) => read['from'], (thrown: { code: string }) => thrown.code);
}

test.each([
  ['stands there', 'https://a.test/root.json', 'https://a.test/root.json'],
  ['was moved on its host', 'https://a.test/moved', 'https://a.test/root.json'],
  ['was moved twice', 'https://a.test/elsewhere', 'https://a.test/root.json'],
  ['was moved to http', 'https://a.test/open', 'SIGN_CONFIG_INVALID'],
  ['moves in a circle', 'https://a.test/circle', 'SIGN_CONFIG_INVALID'],
])('a document that %s', async (_, url, expected) => {
  expect(await readFrom(url)).toBe(expected);
});
