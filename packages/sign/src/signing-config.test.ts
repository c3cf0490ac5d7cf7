// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { loadSigningServers, selectServers } from './signing-config.ts';
import { createTestWorld } from '../../../test/fixtures/sign-world.ts';

const now = new Date('2026-11-20T00:00:00Z');
const since = (start: string, end?: string) => ({ start, ...(end === undefined ? {} : { end }) });
const server = (url: string, majorApiVersion = 1, operator = url, validFor: object = since('2025-01-01T00:00:00Z')) => ({ url, majorApiVersion, operator, validFor });

function config(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [server('https://ca.test')], rekorTlogUrls: [server('https://log.test')], rekorTlogConfig: { selector: 'ANY' }, tsaUrls: [server('https://tsa.test/api/v1/timestamp')], tsaConfig: { selector: 'ANY' },
    ...parts,
  };
}

describe('selectServers', () => {
  const chosen: readonly (readonly [string, Record<string, unknown>, string, string])[] = [
    ['one of each', {}, 'https://log.test', 'https://tsa.test/api/v1/timestamp'],
    ['the newest version of the log', { rekorTlogUrls: [server('https://one.test', 1, 'a'), server('https://two.test', 2, 'a')] }, 'https://two.test', 'https://tsa.test/api/v1/timestamp'],
    ['no version that is unknown', { rekorTlogUrls: [server('https://one.test'), server('https://three.test', 3)] }, 'https://one.test', 'https://tsa.test/api/v1/timestamp'],
    ['the newest shard', { rekorTlogUrls: [server('https://old.test', 1, 'a'), server('https://new.test', 1, 'a', since('2026-01-01T00:00:00Z'))] }, 'https://new.test', 'https://tsa.test/api/v1/timestamp'],
    ['nothing that has not begun', { rekorTlogUrls: [server('https://now.test'), server('https://soon.test', 1, 'b', since('2027-01-01T00:00:00Z'))] }, 'https://now.test', 'https://tsa.test/api/v1/timestamp'],
    ['nothing that has ended', { rekorTlogUrls: [server('https://gone.test', 1, 'b', since('2024-01-01T00:00:00Z', '2026-01-01T00:00:00Z')), server('https://now.test')] }, 'https://now.test', 'https://tsa.test/api/v1/timestamp'],
    ['all, one per operator', { rekorTlogUrls: [server('https://a.test', 1, 'a'), server('https://a2.test', 1, 'a'), server('https://b.test', 1, 'b')], rekorTlogConfig: { selector: 'ALL' } }, 'https://a.test https://b.test', 'https://tsa.test/api/v1/timestamp'],
    ['exactly two', { rekorTlogUrls: [server('https://a.test'), server('https://b.test'), server('https://c.test')], rekorTlogConfig: { selector: 'EXACT', count: 2 } }, 'https://a.test https://b.test', 'https://tsa.test/api/v1/timestamp'],
    ['no timestamp authority for log version 1', { tsaUrls: [], tsaConfig: undefined }, 'https://log.test', ''],
    ['a server on this machine without TLS', { rekorTlogUrls: [server('http://127.0.0.1:7110/')] }, 'http://127.0.0.1:7110', 'https://tsa.test/api/v1/timestamp'],
  ];
  test.each(chosen)('takes %s', (_, parts, logs, stamps) => {
    const servers = selectServers(config(parts), now);
    expect([servers.authority.url, servers.logs.map((one) => one.url).join(' '), servers.timestampers.map((one) => one.url).join(' ')]).toEqual(['https://ca.test', logs, stamps]);
  });

  const refused: readonly (readonly [string, Record<string, unknown>])[] = [
    ['another media type', { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }],
    ['no certificate authority', { caUrls: [] }],
    ['no log', { rekorTlogUrls: [] }],
    ['log version 2 without timestamps', { rekorTlogUrls: [server('https://log.test', 2)], tsaUrls: [] }],
    ['a server in the clear', { caUrls: [server('http://ca.test')] }],
    ['a list that is none', { rekorTlogUrls: 'https://log.test' }],
    ['a time that is none', { caUrls: [server('https://ca.test', 1, 'a', since('soon'))] }],
    ['more logs than there are', { rekorTlogConfig: { selector: 'EXACT', count: 2 } }],
    ['an unknown selector', { tsaConfig: { selector: 'SOME' } }],
  ];
  test.each(refused)('refuses %s', (_, parts) => {
    expect(() => selectServers(config(parts), now)).toThrowError(expect.objectContaining({ code: 'SIGN_CONFIG_INVALID' }));
  });
});

describe('loadSigningServers', () => {
  test('reads JSON, a file of the workspace, or an https URL', async () => {
    await using world = await createTestWorld();
    await world.ctx.files.write('signing.json', world.config(2));
    const sources = [world.config(2), 'signing.json', 'https://sigstore.test/signing_config.json'];
    const urls = await Promise.all(sources.map(async (source) => (await loadSigningServers(world.ctx, source)).authority.url));
    expect(urls).toEqual(sources.map(() => 'https://sigstore.test'));
  });

  const failures: readonly (readonly [string, string, string])[] = [
    ['a missing file', 'nowhere.json', 'SIGN_CONFIG_INVALID'],
    ['a page that is not there', 'https://sigstore.test/nowhere.json', 'SIGN_CONFIG_INVALID'],
    ['a server that is down', 'https://down.test/signing.json', 'SIGN_TRUST_UNAVAILABLE'],
    ['a server that answers too much', 'https://large.test/signing.json', 'SIGN_CONFIG_INVALID'],
    ['broken JSON', '{"mediaType":', 'SIGN_CONFIG_INVALID'],
  ];
  test.each(failures)('%s (%s): %s', async (_, source, code) => {
    const large = new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) }));
    await using world = await createTestWorld({ hosts: { 'down.test': async () => new Response('', { status: 503 }), 'large.test': async () => large } });
    await expect(loadSigningServers(world.ctx, source)).rejects.toMatchObject({ code });
  });
});
