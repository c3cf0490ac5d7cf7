// SPDX-License-Identifier: Apache-2.0
// 429 with a Retry-After that falls, and planned faults.
import { describe, expect, test } from 'vitest';
import { serve } from '../serve.ts';
import { networkRefusal } from './faults.ts';
import { createTrial, errorCode, pushBlob, pushImage, readJson } from './test-trial.ts';

describe('throttle', () => {
  test('per identity and category; the wait falls with the time and then ends', async () => {
    let time = 0;
    const clock = { now: () => new Date(time), sleep: async () => undefined };
    const { as, emulator } = createTrial({ clock, assignments: ['a', 'b'].map((principal) => ({ principal, role: 'Repository Contributor' })) });
    await pushImage(as('a'), 'app', { seed: '1', tag: 'v1' });
    emulator.settings.rateLimits = { perIdentity: { read: 3 } };
    const pull = (principal: string): Promise<Response> => as(principal)('/v2/app/manifests/v1');
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await pull('a')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await pull('b')).status).toBe(200);
    const waits: (string | null)[] = [];
    for (const seconds of [0, 7, 12]) {
      time = seconds * 1000;
      waits.push((await pull('a')).headers.get('retry-after'));
    }
    expect(waits).toEqual(['20', '13', '8']);
    time = 20_000;
    expect((await pull('a')).status).toBe(200);
  });

  test('referrers count as reads too; the token endpoint has a limit of the registry only', async () => {
    const { call, emulator } = createTrial({ anonymous: true });
    emulator.settings.rateLimits = { perIdentity: { referrers: 1 }, perRegistry: { read: 2, oauth: 1 } };
    const list = (): Promise<Response> => call(`/v2/app/referrers/sha256:${'0'.repeat(64)}`);
    expect([(await list()).status, await errorCode(await list())]).toEqual([200, 'TOOMANYREQUESTS']);
    expect([(await call('/v2/')).status, (await call('/v2/')).status]).toEqual([200, 429]);
    const token = (): Promise<Response> => call('/oauth2/token?service=trial.azurecr.io');
    expect([(await token()).status, (await token()).status]).toEqual([401, 429]);
  });
});

describe('faults', () => {
  test('status on the second matching request only; other requests pass', async () => {
    const { call, emulator } = createTrial({ anonymous: true });
    await pushImage(call, 'app', { seed: '1', tag: 'v1' });
    emulator.faults.add({ method: 'GET', path: '/manifests/v1$', nth: 2, action: { kind: 'status', status: 503, headers: { 'retry-after': '1' } } });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await call('/v2/app/manifests/v1')).status);
    expect(statuses).toEqual([200, 503, 200]);
    expect(emulator.faults.list()[0]?.matched).toBe(3);
    emulator.faults.clear();
    emulator.faults.add({ path: '^/v2/', action: networkRefusal('203.0.113.7') });
    const refused = await call('/v2/');
    expect([refused.status, await errorCode(refused)]).toEqual([403, 'DENIED']);
  });

  test('corrupt bytes keep their length; a reset mid-body is a network error at the client', async () => {
    const { call, emulator } = createTrial({ anonymous: true });
    const { digest } = await pushBlob(call, 'app', new TextEncoder().encode('0123456789'));
    const served = await serve(emulator.handle);
    emulator.faults.add({ path: `/blobs/${digest}`, action: { kind: 'corrupt', at: 3 } }, { path: `/blobs/${digest}`, nth: 2, action: { kind: 'reset', afterBytes: 4 } });
    const url = `${served.url}/v2/app/blobs/${digest}`;
    expect(await (await fetch(url)).text()).toBe('0122456789');
    await expect(fetch(url).then((reply) => reply.text())).rejects.toThrow();
    expect(await (await fetch(url)).text()).toBe('0123456789');
    await served.close();
  });

  test('an upload that is reset goes on where it stopped', async () => {
    const { emulator } = createTrial({ anonymous: true });
    const served = await serve(emulator.handle);
    const location = (reply: Response): string => served.url + (reply.headers.get('location') ?? '');
    const start = location(await fetch(`${served.url}/v2/app/blobs/uploads/`, { method: 'POST' }));
    emulator.faults.add({ method: 'PATCH', path: '/blobs/uploads/', action: { kind: 'reset', side: 'request', afterBytes: 4 } });
    await expect(fetch(start, { method: 'PATCH', body: '0123456789' })).rejects.toThrow();
    const status = await fetch(start);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-3']);
    const rest = location(await fetch(location(status), { method: 'PATCH', body: '456789', headers: { 'content-range': '4-9' } }));
    const digest = `sha256:${Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('0123456789'))).toString('hex')}`;
    expect((await fetch(`${rest}&digest=${digest}`, { method: 'PUT' })).status).toBe(201);
    await served.close();
  });

  test('the control path is closed unless opened, and answers on loopback only', async () => {
    expect((await createTrial({ anonymous: true }).call('/_lab/faults')).status).toBe(404);
    const { emulator } = createTrial({ anonymous: true, faultControl: true });
    const control = (method: string, body?: string, host = '127.0.0.1:5000'): Promise<Response> => emulator.handle(new Request(`http://${host}/_lab/faults`, { method, ...(body ? { body } : {}) }));
    expect((await control('POST', '{"path":"^/v2/","action":{"kind":"status","status":500}}')).status).toBe(200);
    expect((await emulator.handle(new Request('http://127.0.0.1:5000/v2/'))).status).toBe(500);
    expect((await control('POST', '{"path":1}')).status).toBe(400);
    expect((await control('GET', undefined, 'evil.example')).status).toBe(403);
    expect(await readJson(await control('DELETE'))).toEqual([]);
  });
});
