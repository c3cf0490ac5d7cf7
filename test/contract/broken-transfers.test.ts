// SPDX-License-Identifier: Apache-2.0
// What breaks in the middle, lies about its bytes, leads elsewhere or lacks a right, step by step: the code, the hint, and a re-run that heals.
import type { FailureCode } from '@pratique/core';
import { endingOfFailure } from '@pratique/host';
import type { Fault, FaultAction } from '@pratique/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { arrangeStep, failureOf, stepNames, type Arranged, type StepName } from '../fixtures/arranged-steps.ts';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';

let world: GateWorld;
let count = 0;
beforeAll(async () => {
  world = await openGateWorld();
});
beforeEach(() => world.lab.acr.faults.clear());
afterAll(() => world[Symbol.asyncDispose]());

const arrange = (step: StepName): Promise<Arranged> => arrangeStep(world, step, `torn-${(count += 1)}`);

/** Runs into the faults, then without them. */
async function breakAndHeal(arranged: Arranged, run: () => Promise<unknown>): Promise<ReturnType<typeof endingOfFailure>> {
  const ending = endingOfFailure(await failureOf(run()));
  world.lab.acr.faults.clear();
  await arranged.run();
  await arranged.prove();
  expect(ending.hint).toBeTruthy();
  return ending;
}

type Place = Pick<Fault, 'method' | 'path'>;
const readManifest = { method: 'GET', path: '/manifests/' };
// A read of a blob is redirected to storage.
const readBlob = { method: 'GET', path: '^/sha256/' };
const readReferrers = { method: 'GET', path: '/referrers/' };
const writeManifest = { method: 'PUT', path: '/manifests/' };
const writeBlob = { path: '/blobs/uploads/.+' };
const cut = (side: 'request' | 'response'): FaultAction => ({ kind: 'reset', afterBytes: 20, side });

const broken: readonly (readonly [StepName, string, Place, FaultAction, FailureCode, number])[] = [
  ['push', 'a blob that is written is cut off', writeBlob, cut('request'), 'REGISTRY_UNAVAILABLE', 4],
  ['push', 'a manifest that is written is cut off', writeManifest, cut('request'), 'REGISTRY_UNAVAILABLE', 4],
  ['push', 'a manifest that is read back is cut off', readManifest, cut('response'), 'REGISTRY_UNAVAILABLE', 4],
  ['push', 'a manifest that is read back has other bytes', readManifest, { kind: 'corrupt', at: 30 }, 'REGISTRY_DIGEST_MISMATCH', 3],
  ['sign', 'a manifest is cut off', readManifest, cut('response'), 'REGISTRY_UNAVAILABLE', 4],
  ['sign', 'a manifest has other bytes', readManifest, { kind: 'corrupt', at: 30 }, 'REGISTRY_DIGEST_MISMATCH', 3],
  ['sign', 'a list of referrers is cut off', readReferrers, cut('response'), 'REGISTRY_UNAVAILABLE', 4],
  ['sign', 'a blob has other bytes', readBlob, { kind: 'corrupt', at: 5 }, 'REGISTRY_DIGEST_MISMATCH', 3],
  // At its first byte: where some bytes arrive each time, the rest is asked for until all are there.
  ['sign', 'a blob is cut off', readBlob, { kind: 'reset', afterBytes: 0, side: 'response' }, 'REGISTRY_UNAVAILABLE', 4],
  ['sign', 'an attestation that is written is cut off', writeManifest, cut('request'), 'REGISTRY_UNAVAILABLE', 4],
  ['gate', 'a manifest is cut off', readManifest, cut('response'), 'REGISTRY_UNAVAILABLE', 4],
  ['gate', 'a manifest has other bytes', readManifest, { kind: 'corrupt', at: 30 }, 'REGISTRY_DIGEST_MISMATCH', 3],
  ['gate', 'a manifest that is promoted is cut off', { method: 'PUT', path: '/v2/acme/[^/]+/manifests/' }, cut('request'), 'REGISTRY_UNAVAILABLE', 4],
];
test.each(broken)('%s: %s, again and again: a code, and a re-run heals', async (step, _, place, action, code, exitStatus) => {
  const arranged = await arrange(step);
  world.lab.acr.faults.add({ ...place, times: 10_000, action });
  expect(await breakAndHeal(arranged, () => arranged.run())).toMatchObject({ code, exitStatus });
});

test.each(broken.filter(([, , , action]) => action.kind === 'reset'))('%s: %s, twice: it goes on by itself', async (step, _, place, action) => {
  const arranged = await arrange(step);
  world.lab.acr.faults.add({ ...place, times: 2, action });
  await arranged.run();
  expect(world.lab.acr.faults.list()[0]?.matched).toBeGreaterThan(2);
  world.lab.acr.faults.clear();
  await arranged.prove();
});

test.each(['sign', 'gate'] as const)('%s: a registry that leads to another host does not get its token shown there', async (step) => {
  const arranged = await arrange(step);
  const shown: (string | null)[] = [];
  const elsewhere = world.lab.addresses.mirror.loginServer;
  world.lab.intercept('acr', (request) => {
    const { pathname } = new URL(request.url);
    return Promise.resolve(request.method === 'GET' && /\/(?:blobs|manifests)\/sha256/.test(pathname) ? new Response(null, { status: 307, headers: { location: `https://${elsewhere}/collect${pathname}` } }) : undefined);
  });
  world.lab.intercept('mirror', (request) => {
    shown.push(request.headers.get('authorization'), request.headers.get('cookie'), new URL(request.url).search || null);
    return Promise.resolve(new Response('taken', { status: 200 }));
  });
  const failure = await failureOf(arranged.run());
  world.lab.intercept('acr');
  world.lab.intercept('mirror');
  expect(shown.length).toBeGreaterThan(0);
  expect(new Set(shown)).toEqual(new Set([null]));
  expect(failure.code).toBe('REGISTRY_DIGEST_MISMATCH');
  await arranged.run();
  await arranged.prove();
});

describe('what the job lacks', () => {
  test.each(stepNames)('%s: the permission for identity tokens, told as the line to add; with it all is well', async (step) => {
    const arranged = await arrange(step);
    const ending = await breakAndHeal(arranged, () => arranged.run({ job: { permissions: { contents: 'read', 'pull-requests': 'read' } } }));
    expect(ending).toMatchObject({ code: 'IDENTITY_UNAVAILABLE', exitStatus: 4, hint: expect.stringContaining('permissions: id-token: write') as string });
  });

  test.each([['push', 'AcrPush', '/blobs/uploads/'], ['sign', 'AcrPull', '/'], ['gate', 'AcrPull', '/']] as const)('%s: a role of a registry in legacy mode, told as %s without a condition', async (step, role, path) => {
    const arranged = await arrange(step);
    const denied = { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] };
    world.lab.acr.faults.add({ path: `^/v2/(quarantine|acme)/${arranged.name}${path}`, times: 10_000, action: { kind: 'status', status: 403, body: denied } });
    const { code, hint } = await breakAndHeal(arranged, () => arranged.run({ given: { 'registry-role-mode': 'legacy' } }));
    expect(code).toBe('REGISTRY_FORBIDDEN');
    expect(hint).toContain(`az role assignment create --assignee ${world.lab.addresses.entra.clients[arranged.role].clientId} --role "${role}" --scope`);
    expect(hint).not.toContain('--condition');
  });
});
