// SPDX-License-Identifier: Apache-2.0
// ACR's quarantine as its specification tells it: held by digest, tags that wait, who may see and release what, both webhooks.
import { describe, expect, test } from 'vitest';
import { serve } from '../serve.ts';
import type { AcrEmulatorOptions } from './emulator.ts';
import type { Assignment } from './roles.ts';
import { createTrial, errorCode, pushImage, readJson, type Call } from './test-trial.ts';
import type { WebhookPayload } from './webhooks.ts';

const name = 'app/web';
const role = (principal: string, ...roles: string[]): Assignment[] => roles.map((one) => ({ principal, role: one }));
const abac = [
  ...role('builder', 'Repository Writer'), ...role('cluster', 'Repository Reader'), ...role('scanner', 'Repository Reader', 'AcrQuarantineReader'),
  ...role('gate', 'Repository Writer', 'c8d4ff99-41c3-41a8-9f60-21dfdad59608'),
];

function trial(options: Partial<AcrEmulatorOptions> = {}) {
  const { emulator, as } = createTrial({ assignments: abac, quarantine: { enabled: true }, ...options });
  return { emulator, builder: as('builder'), cluster: as('cluster'), scanner: as('scanner'), gate: as('gate'), as };
}

const pull = (call: Call, reference: string): Promise<Response> => call(`/v2/${name}/manifests/${reference}`);
const properties = async (call: Call, digest: string): Promise<Record<string, unknown>> => {
  const { manifest } = await readJson(await call(`/acr/v1/app%2Fweb/_manifests/${encodeURIComponent(digest)}`)) as { manifest: { changeableAttributes: Record<string, unknown> } };
  return manifest.changeableAttributes;
};
const mark = (call: Call, digest: string, body: object): Promise<Response> => call(`/acr/v1/app%2Fweb/_manifests/${digest}`, { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
const answer = async (response: Response): Promise<readonly [number, string | undefined]> => [response.status, response.ok ? undefined : await errorCode(response)];

describe('a pushed image', () => {
  test('is held: no tag, no pull for readers; by digest for the roles of quarantine', async () => {
    const { builder, cluster, scanner, gate } = trial();
    const digest = await pushImage(builder, name, { seed: '1', tag: 'v1' });
    for (const [call, byDigest] of [[cluster, [405, 'IMAGE_QUARANTINED']], [builder, [405, 'IMAGE_QUARANTINED']], [scanner, [200, undefined]], [gate, [200, undefined]]] as const) {
      expect(await answer(await pull(call, digest))).toEqual(byDigest);
      expect(await answer(await pull(call, 'v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
    }
    expect(await readJson(await cluster(`/v2/${name}/tags/list`))).toMatchObject({ tags: [] });
    expect(await properties(cluster, digest)).toEqual({ deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true, quarantineState: 'Quarantined' });
  });

  test('gets its tag when it is marked Passed, and keeps what was said', async () => {
    const { builder, cluster, gate } = trial();
    const digest = await pushImage(builder, name, { seed: '1', tag: 'v1' });
    const details = '{"scanner":"pratique"}';
    expect((await mark(gate, digest, { quarantineState: 'Passed', quarantineDetails: details })).status).toBe(200);
    expect((await pull(cluster, 'v1')).headers.get('docker-content-digest')).toBe(digest);
    expect(await properties(cluster, digest)).toMatchObject({ quarantineState: 'Passed', quarantineDetails: details });
    expect((await readJson(await cluster('/acr/v1/app%2Fweb/_tags/v1')))['tag']).toMatchObject({ quarantineState: 'Passed' });
    await pushImage(builder, name, { seed: '1', tag: 'v1.0' });
    expect((await pull(cluster, 'v1.0')).status).toBe(200);
  });

  test('marked Failed stays held', async () => {
    const { builder, cluster, gate } = trial();
    const digest = await pushImage(builder, name, { seed: '1', tag: 'v1' });
    await mark(gate, digest, { quarantineState: 'Failed' });
    expect(await answer(await pull(cluster, digest))).toEqual([405, 'IMAGE_QUARANTINED']);
    expect((await properties(gate, digest))['quarantineState']).toBe('Failed');
  });

  test('under a tag that exists leaves the old image there until it is released', async () => {
    const { builder, cluster, gate } = trial();
    const old = await pushImage(builder, name, { seed: 'old', tag: 'v1' });
    await mark(gate, old, { quarantineState: 'Passed' });
    const young = await pushImage(builder, name, { seed: 'new', tag: 'v1' });
    expect((await pull(cluster, 'v1')).headers.get('docker-content-digest')).toBe(old);
    await mark(gate, young, { quarantineState: 'Passed' });
    expect((await pull(cluster, 'v1')).headers.get('docker-content-digest')).toBe(young);
  });
});

describe('the policy', () => {
  test('turned on blocks what was there and never marked; off, it holds nothing', async () => {
    const { emulator, builder, cluster, gate } = trial({ quarantine: {} });
    const [marked, plain] = [await pushImage(builder, name, { seed: '1', tag: 'v1' }), await pushImage(builder, name, { seed: '2', tag: 'v2' })];
    await mark(gate, marked, { quarantineState: 'Passed' });
    expect((await pull(cluster, 'v2')).status).toBe(200);
    expect(await properties(cluster, plain)).not.toHaveProperty('quarantineState');
    emulator.settings.quarantine.enabled = true;
    expect((await pull(cluster, 'v1')).status).toBe(200);
    expect(await answer(await pull(cluster, 'v2'))).toEqual([404, 'MANIFEST_UNKNOWN']);
    expect(await answer(await pull(cluster, plain))).toEqual([405, 'IMAGE_QUARANTINED']);
  });

  test('its undocumented parts are switches', async () => {
    const { emulator, builder, cluster } = trial({ quarantine: { enabled: true, blockedStatus: 403, pendingState: 'Pending' } });
    const digest = await pushImage(builder, name, { seed: '1' });
    expect(await answer(await pull(cluster, digest))).toEqual([403, 'IMAGE_QUARANTINED']);
    expect((await properties(cluster, digest))['quarantineState']).toBe('Pending');
    expect((await pull(builder, digest)).status).toBe(403);
    emulator.settings.quarantine.pushersRead = true;
    expect([(await pull(builder, digest)).status, (await pull(cluster, digest)).status]).toEqual([200, 403]);
  });
});

describe('marking', () => {
  test.each<readonly [string, string, Partial<AcrEmulatorOptions>, number]>([
    ['a writer of repositories', 'builder', {}, 403],
    ['a reader of quarantine', 'scanner', {}, 401],
    ['a writer of quarantine', 'gate', {}, 200],
    ['Owner in legacy mode', 'boss', { mode: 'legacy', assignments: [...role('boss', 'Owner'), ...role('builder', 'AcrPush')] }, 200],
    ['Contributor in legacy mode', 'boss', { mode: 'legacy', assignments: [...role('boss', 'Contributor'), ...role('builder', 'AcrPush')] }, 200],
    ['Contributor in ABAC mode', 'boss', { assignments: [...role('boss', 'Contributor'), ...abac] }, 401],
    ['AcrPush', 'builder', { mode: 'legacy', assignments: role('builder', 'AcrPush') }, 401],
  ])('%s', async (_, principal, options, status) => {
    const { builder, as } = trial(options);
    const digest = await pushImage(builder, name, { seed: '1' });
    expect((await mark(as(principal), digest, { quarantineState: 'Passed' })).status).toBe(status);
  });

  test('needs metadata_write, or pull,push where the service keeps to the older recipe', async () => {
    const { emulator, builder } = trial();
    const digest = await pushImage(builder, name, { seed: '1' });
    const challenge = async (): Promise<string | null> => (await emulator.handle(new Request(`https://trial.azurecr.io/acr/v1/app%2Fweb/_manifests/${digest}`, { method: 'PATCH' }))).headers.get('www-authenticate');
    expect(await challenge()).toContain('scope="repository:app/web:metadata_write"');
    emulator.settings.quarantine.releaseScope = 'pull,push';
    expect(await challenge()).toContain('scope="repository:app/web:pull,push"');
  });

  test.each([[{ quarantineState: 'passed' }], [{ quarantineState: 'Quarantined' }], [{ quarantineDetails: { scanner: 'x' } }]])('%j is no mark', async (body) => {
    const { builder, gate } = trial();
    expect(await answer(await mark(gate, await pushImage(builder, name, { seed: '1' }), body))).toEqual([400, 'INVALID_BODY']);
  });

  test('does not move a tag that is locked', async () => {
    const { builder, cluster, gate } = trial();
    const old = await pushImage(builder, name, { seed: 'old', tag: 'v1' });
    await mark(gate, old, { quarantineState: 'Passed' });
    const young = await pushImage(builder, name, { seed: 'new', tag: 'v1' });
    await gate('/acr/v1/app%2Fweb/_tags/v1', { method: 'PATCH', body: '{"writeEnabled":false}' });
    expect(await answer(await mark(gate, young, { quarantineState: 'Passed' }))).toEqual([405, 'REGISTRY_DISALLOWED_OPERATION']);
    expect((await pull(cluster, 'v1')).headers.get('docker-content-digest')).toBe(old);
  });
});

describe('webhooks', () => {
  const sink = (payloads: WebhookPayload[]) => async (request: Request): Promise<Response> => {
    payloads.push(await request.json() as WebhookPayload);
    return new Response(null, { status: 204 });
  };
  const told = (payloads: readonly WebhookPayload[]): string[] => payloads.map(({ action, target }) => `${action} ${target.tag ?? target.digest}`);

  test('quarantine at the push, push at the release; both at once without the policy', async () => {
    const payloads: WebhookPayload[] = [];
    const { emulator, builder, gate } = trial({ webhooks: [{ service: sink(payloads), actions: ['push', 'quarantine'] }] });
    const digest = await pushImage(builder, name, { seed: '1', tag: 'v1' });
    await emulator.webhooks.settled();
    expect(told(payloads)).toEqual(['quarantine v1']);
    expect(payloads[0]).toEqual({
      id: expect.any(String), timestamp: expect.any(String), action: 'quarantine', request: { id: expect.any(String), host: 'trial.azurecr.io', method: 'PUT' },
      target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: expect.any(Number), length: expect.any(Number), digest, repository: name, tag: 'v1' },
    });
    await mark(gate, digest, { quarantineState: 'Passed' });
    await mark(gate, digest, { quarantineState: 'Passed' });
    await emulator.webhooks.settled();
    expect(told(payloads)).toEqual(['quarantine v1', 'push v1']);
    emulator.settings.quarantine.enabled = false;
    await pushImage(builder, name, { seed: '2', tag: 'v2' });
    await emulator.webhooks.settled();
    expect(told(payloads).slice(2)).toEqual(['quarantine v2', 'push v2']);
  });

  test('a scope without tag means latest; a star means all', async () => {
    const [all, latest]: [WebhookPayload[], WebhookPayload[]] = [[], []];
    const { emulator, builder } = trial({ webhooks: [{ service: sink(all), actions: ['quarantine'], scope: `${name}:*` }, { service: sink(latest), actions: ['quarantine'], scope: name }] });
    for (const tag of ['v1', 'latest']) await pushImage(builder, name, { seed: tag, tag });
    await pushImage(builder, 'app/other', { seed: '3', tag: 'latest' });
    await emulator.webhooks.settled();
    expect([told(all), told(latest)]).toEqual([['quarantine v1', 'quarantine latest'], ['quarantine latest']]);
  });

  test('posts to a loopback address with its own headers, and to no other', async () => {
    const seen: (string | null)[] = [];
    await using server = await serve(async (request) => {
      seen.push(request.headers.get('x-secret'), (await request.json() as WebhookPayload).action);
      return new Response(null, { status: 202 });
    }).then((served) => ({ ...served, [Symbol.asyncDispose]: () => served.close() }));
    const { emulator, builder } = trial({ webhooks: [{ service: server.url, actions: ['quarantine'], customHeaders: { 'x-secret': 's' } }, { service: 'https://example.com/', actions: ['quarantine'] }] });
    await pushImage(builder, name, { seed: '1' });
    await emulator.webhooks.settled();
    expect(seen).toEqual(['s', 'quarantine']);
    expect(emulator.webhooks.events.map(({ outcome }) => outcome).sort()).toEqual([202, 'https://example.com/ is not a loopback address']);
  });
});
