// SPDX-License-Identifier: Apache-2.0
// Each server refuses or breaks while an image is pushed, signed and judged: the run ends in its code with a hint, and a re-run heals.
import type { FailureCode } from '@pratique/core';
import { endingOfFailure } from '@pratique/host';
import { ConnectionReset, networkRefusal, type FaultAction, type LabService } from '@pratique/lab';
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

const arrange = (step: StepName): Promise<Arranged> => arrangeStep(world, step, `app-${(count += 1)}`);

const status = (code: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): FaultAction => ({ kind: 'status', status: code, headers, ...(body === undefined ? {} : { body }) });
const denied = { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] };

describe('the registry', () => {
  const lasting: readonly (readonly [string, FaultAction, FailureCode, number, RegExp])[] = [
    ['401', status(401), 'REGISTRY_UNAUTHORIZED', 2, /role|client id/],
    ['403', status(403, denied), 'REGISTRY_FORBIDDEN', 2, /az role assignment create --assignee .* --role "Container Registry Repository (?:Reader|Writer)"/],
    ['403 of its firewall', networkRefusal('10.1.2.3'), 'REGISTRY_FORBIDDEN', 2, /network rules/],
    ['404', status(404, { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }] }), 'REGISTRY_NOT_FOUND', 2, /reference/],
    ['429 with Retry-After', status(429, { errors: [{ code: 'TOOMANYREQUESTS', message: 'too many requests' }] }, { 'retry-after': '5' }), 'REGISTRY_THROTTLED', 4, /later/],
    ['500', status(500), 'REGISTRY_UNAVAILABLE', 4, /again/],
    ['a reset connection', { kind: 'reset' }, 'REGISTRY_UNAVAILABLE', 4, /again/],
  ];
  const cases = stepNames.flatMap((step) => lasting.map(([name, action, code, exitStatus, hint]) => ({ step, name, action, code, exitStatus, hint })));
  test.each(cases)('$step: $name is $code, and a re-run heals', async ({ step, action, code, exitStatus, hint }) => {
    const arranged = await arrange(step);
    world.lab.acr.faults.add({ path: `^/v2/(quarantine|acme)/${arranged.name}/`, times: 10_000, action });
    const ending = endingOfFailure(await failureOf(arranged.run()));
    expect(ending).toMatchObject({ code, exitStatus });
    expect(ending.hint).toMatch(hint);
    world.lab.acr.faults.clear();
    await arranged.run();
    await arranged.prove();
  });

  const passing: readonly (readonly [string, FaultAction])[] = [['429 with Retry-After', status(429, undefined, { 'retry-after': '20' })], ['503', status(503)], ['a reset connection', { kind: 'reset' }]];
  test.each(stepNames.flatMap((step) => passing.map(([name, action]) => ({ step, name, action }))))('$step: $name, twice, is waited out', async ({ step, name, action }) => {
    const arranged = await arrange(step);
    world.lab.acr.faults.add({ path: `^/v2/(quarantine|acme)/${arranged.name}/`, nth: 3, times: 2, action });
    const before = world.now().getTime() - Date.now();
    await arranged.run();
    const waited = world.now().getTime() - Date.now() - before;
    if (name.startsWith('429')) expect(waited).toBeGreaterThanOrEqual(19_000);
    expect(waited).toBeLessThan(600_000);
    world.lab.acr.faults.clear();
    await arranged.prove();
  });

  test.each(stepNames)('%s: refused at each write in turn, the next run goes on from there', async (step) => {
    const arranged = await arrange(step);
    let refused = 0;
    for (const nth of [1, 2, 3, 1, 2, 3]) {
      world.lab.acr.faults.add({ method: 'PUT', path: `/${arranged.name}/`, nth, action: status(403, denied) }, { method: 'PATCH', path: `/acr/v1/acme/${arranged.name}/`, action: status(403, denied) });
      const thrown = await arranged.run().then(() => undefined, (reason: unknown) => reason);
      if (thrown !== undefined) expect(thrown).toMatchObject({ exitStatus: 2 });
      refused += thrown === undefined ? 0 : 1;
      world.lab.acr.faults.clear();
    }
    expect(refused).toBeGreaterThan(1);
    await arranged.run();
    await arranged.prove();
  });

  test('the token service: throttled, it is waited for; broken, it is said', async () => {
    const arranged = await arrange('sign');
    world.lab.acr.faults.add({ path: '^/oauth2/', times: 2, action: status(429, undefined, { 'retry-after': '3' }) });
    await arranged.run();
    world.lab.acr.faults.clear();
    const other = await arrange('sign');
    world.lab.acr.faults.add({ path: '^/oauth2/', times: 1000, action: status(500) });
    expect(await failureOf(other.run())).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', exitStatus: 4 });
    world.lab.acr.faults.clear();
    await other.run();
    await other.prove();
  });
});

describe('the others', () => {
  const cases: readonly { readonly step: StepName; readonly service: LabService; readonly path: RegExp; readonly answer: () => Response; readonly code: FailureCode; readonly exitStatus: number }[] = [
    { step: 'push', service: 'entra', path: /token$/, answer: () => new Response('{}', { status: 503 }), code: 'AZURE_UNAVAILABLE', exitStatus: 4 },
    { step: 'sign', service: 'sigstore', path: /signingCert/, answer: () => new Response('{}', { status: 503 }), code: 'SIGN_CERTIFICATE_FAILED', exitStatus: 4 },
    { step: 'sign', service: 'sigstore', path: /log\/entries/, answer: () => new Response('{}', { status: 503 }), code: 'SIGN_LOG_FAILED', exitStatus: 4 },
    { step: 'sign', service: 'sigstore', path: /timestamp/, answer: () => new Response('{}', { status: 503 }), code: 'SIGN_TIMESTAMP_FAILED', exitStatus: 4 },
    { step: 'sign', service: 'sigstore', path: /trusted_root/, answer: () => new Response('{}', { status: 503 }), code: 'SIGN_TRUST_UNAVAILABLE', exitStatus: 4 },
    { step: 'sign', service: 'sigstore', path: /signing_config/, answer: () => new Response('gone', { status: 404 }), code: 'SIGN_CONFIG_INVALID', exitStatus: 2 },
    { step: 'gate', service: 'github', path: /\/api\/v3\//, answer: () => new Response('{}', { status: 503 }), code: 'POLICY_UNAVAILABLE', exitStatus: 4 },
    { step: 'gate', service: 'github', path: /\/api\/v3\//, answer: () => new Response('{"message":"Bad credentials"}', { status: 401 }), code: 'GITHUB_FORBIDDEN', exitStatus: 2 },
    { step: 'gate', service: 'sigstore', path: /signingCert/, answer: () => new Response('{}', { status: 503 }), code: 'SIGN_CERTIFICATE_FAILED', exitStatus: 4 },
    { step: 'gate', service: 'entra', path: /token$/, answer: () => { throw new ConnectionReset(); }, code: 'AZURE_UNAVAILABLE', exitStatus: 4 },
  ];
  test.each(cases)('$step: $service $path ends in $code, and a re-run heals', async ({ step, service, path, answer, code, exitStatus }) => {
    const arranged = await arrange(step);
    world.lab.intercept(service, async (request) => (path.test(new URL(request.url).pathname) ? answer() : undefined));
    const ending = endingOfFailure(await failureOf(arranged.run()));
    world.lab.intercept(service);
    expect(ending).toMatchObject({ code, exitStatus });
    expect(ending.hint).toBeTruthy();
    await arranged.run();
    await arranged.prove();
  });
});
