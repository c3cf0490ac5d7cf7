// SPDX-License-Identifier: Apache-2.0
// Marks and lists against the emulated registry, as identities with the roles that the documentation names.
import { Failure, type Digest } from '@pratique/core';
import { createAcrEmulator, type AcrEmulator, type AcrEmulatorOptions } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, staticCredentials, streamOf, type Registry } from '@pratique/oci';
import { describe, expect, test } from 'vitest';
import { listManifests } from './manifest-list.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { encodeDetails, type QuarantineDetails } from './quarantine-details.ts';

const registry = 'contoso.azurecr.io';
const details: QuarantineDetails = { state: 'released', link: 'https://example.com/run/1', result: { version: '1.0.0', summary: [{ severity: 'High', count: 0 }], description: 'policy x' } };

interface World {
  readonly emulator: AcrEmulator;
  readonly scopes: string[];
  as(principal: string): Registry;
  marks(principal: string): Quarantine;
}

function createWorld(options: Partial<AcrEmulatorOptions> = {}): World {
  const account = (name: string) => ({ username: name, password: 'p', principal: name });
  const emulator = createAcrEmulator({
    name: registry, quarantine: { enabled: true }, accounts: ['builder', 'gate', 'pusher', 'cluster'].map(account),
    assignments: [
      { principal: 'builder', role: 'Repository Writer' }, { principal: 'builder', role: 'AcrQuarantineReader' }, { principal: 'cluster', role: 'Repository Reader' },
      { principal: 'gate', role: 'Repository Writer' }, { principal: 'gate', role: 'AcrQuarantineWriter' }, { principal: 'pusher', role: 'Repository Writer' },
    ],
    ...options,
  });
  const scopes: string[] = [];
  const reach: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const reply = await emulator.handle(request);
    if (request.method === 'PATCH') scopes.push(/scope="([^"]+)"/.exec(reply.headers.get('www-authenticate') ?? '')?.[1] ?? String(reply.status));
    return reply;
  };
  const as = (principal: string): Registry => createRegistry({
    registry, fetch: reach, clock: { now: () => new Date(), sleep: () => Promise.resolve() }, signal: new AbortController().signal, authenticator: staticCredentials(principal, 'p'),
  });
  return { emulator, scopes, as, marks: (principal) => createQuarantine(as(principal), principal) };
}

async function push(oci: Registry, name: string, subject?: Digest): Promise<Digest> {
  const repository = oci.repository('app');
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const config = subject === undefined ? { ...emptyBlob.descriptor, mediaType: 'application/vnd.oci.image.config.v1+json' } : emptyBlob.descriptor;
  const content = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [], annotations: { name }, ...(subject === undefined ? {} : { subject: { mediaType: mediaTypes.manifest, digest: subject, size: 1 } }) };
  return (await repository.writeManifest(buildManifest(content), name)).digest;
}

describe('marks', () => {
  test('a pushed image is pending; released it is everybody\'s, with our name on it', async () => {
    const { as, marks } = createWorld();
    const digest = await push(as('builder'), 'v1');
    expect(await marks('builder').state('app', digest)).toEqual({ state: 'pending', ours: false });
    await expect(as('cluster').repository('app').readManifest(digest)).rejects.toMatchObject({ code: 'ACR_QUARANTINED', hint: expect.stringContaining('AcrQuarantineReader') });
    await expect(as('cluster').repository('app').resolve(digest)).rejects.toMatchObject({ code: 'ACR_QUARANTINED' });
    await marks('gate').release('app', digest, details);
    expect(await marks('cluster').state('app', digest)).toEqual({ state: 'Passed', ours: true, scanner: 'pratique' });
    expect((await as('cluster').repository('app').resolve('v1'))?.digest).toBe(digest);
  });

  test('refused it stays', async () => {
    const { as, marks } = createWorld();
    const digest = await push(as('builder'), 'v1');
    await marks('gate').refuse('app', digest, { state: 'refused' });
    expect(await marks('gate').state('app', digest)).toMatchObject({ state: 'Failed', ours: true });
    await expect(as('cluster').repository('app').readManifest(digest)).rejects.toMatchObject({ code: 'ACR_QUARANTINED' });
  });

  test('a registry that wants the older scopes gets them', async () => {
    const { emulator, as, marks, scopes } = createWorld({ quarantine: { enabled: true, releaseScope: 'pull,push' } });
    const digest = await push(as('gate'), 'v1');
    emulator.faults.add({ method: 'PATCH', path: '/acr/v1/*', times: 1, action: { kind: 'status', status: 403 } });
    await marks('gate').release('app', digest, details);
    expect(scopes).toEqual(expect.arrayContaining(['403', '200']));
    expect(await marks('gate').state('app', digest)).toMatchObject({ state: 'Passed' });
  });

  test.each(['pusher', 'builder', 'cluster'])('%s is told the role that is missing', async (principal) => {
    const { as, marks } = createWorld();
    const digest = await push(as('gate'), 'v1');
    await expect(marks(principal).release('app', digest, details)).rejects.toMatchObject({
      code: 'ACR_ROLE_MISSING', hint: expect.stringContaining(`az role assignment create --assignee ${principal} --role AcrQuarantineWriter --scope "$(az acr list`),
    });
  });

  test.each([[204, ''], [200, '{}'], [202, '{}']])('status %i is an answer', async (status, body) => {
    const { emulator, as, marks } = createWorld();
    const digest = await push(as('gate'), 'v1');
    emulator.faults.add({ method: 'PATCH', path: '/acr/v1/*', times: 1, action: { kind: 'status', status, body } });
    await expect(marks('gate').release('app', digest, details)).resolves.toBeUndefined();
  });

  test.each([409, 403, 412])('IMAGE_QUARANTINED with status %i is one code', async (blockedStatus) => {
    const { as } = createWorld({ quarantine: { enabled: true, blockedStatus } });
    const digest = await push(as('builder'), 'v1');
    await expect(as('pusher').repository('app').readManifest(digest)).rejects.toMatchObject({ code: 'ACR_QUARANTINED', kind: 'refused' });
  });
});

describe('details', () => {
  test('carry our scanner and keep to the schema', () => {
    expect(JSON.parse(encodeDetails(details))).toEqual({ scanner: 'pratique', ...details });
  });

  const result = (change: object): QuarantineDetails => ({ state: 'x', result: { version: '1', summary: [], ...change } });
  test.each<readonly [string, QuarantineDetails]>([
    ['no version', result({ version: '' })], ['six rows', result({ summary: Array.from({ length: 6 }, () => ({ severity: 'Low', count: 1 })) })],
    ['an unknown severity', result({ summary: [{ severity: 'Worst', count: 1 }] })], ['half a finding', result({ summary: [{ severity: 'Low', count: 0.5 }] })],
    ['a long description', result({ description: 'x'.repeat(1025) })],
  ])('with %s are not sent', (_, wrong) => {
    expect(() => encodeDetails(wrong)).toThrow(Failure);
  });

  test.each(['no JSON', '[]', '{"scanner":7}', '{"scanner":"qualys","state":"Scan Failed","result":{"version":"1/5/2022"}}'])('of others are read as they are: %s', async (quarantineDetails) => {
    const { as, marks } = createWorld();
    const digest = await push(as('gate'), 'v1');
    await as('gate').request({ method: 'PATCH', path: `/acr/v1/app/_manifests/${digest}`, scopes: ['repository:app:metadata_write'], body: JSON.stringify({ quarantineState: 'Passed', quarantineDetails }) });
    expect(await marks('gate').state('app', digest)).toMatchObject({ state: 'Passed', ours: false });
  });
});

test('the list of manifests follows its pages and tells images from referrers', async () => {
  const { as } = createWorld({ quarantine: {}, pageSize: 100 });
  const oci = as('gate');
  const image = await push(oci, 'v1');
  for (let number = 0; number < 120; number += 1) await push(oci, `s${number}`, image);
  const listed = await listManifests(oci, 'app');
  expect(listed).toHaveLength(121);
  expect(listed.filter((one) => one.image)).toMatchObject([{ digest: image, references: [] }]);
  await expect(listManifests(oci, 'nowhere')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
});
