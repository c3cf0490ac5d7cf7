// SPDX-License-Identifier: Apache-2.0
// Which metrics server gets which token.
import type { Command, Context } from '@pratique/core';
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { inputs } from './inputs.ts';
import { connectServer } from './metrics.ts';

const workspace = 'https://shop-a1b2.westeurope.prometheus.monitor.azure.com';
const { signal } = new AbortController();

/** A machine where `az login` has been run; its tokens last `seconds`. */
function machine({ seconds = 3600, answer }: { readonly seconds?: number; readonly answer?: () => Response } = {}) {
  const [authorizations, commands, masked]: [(string | null)[], Command[], string[]] = [[], [], []];
  let now = Date.UTC(2026, 0, 1);
  const run: Context['exec']['run'] = (command) => {
    commands.push(command);
    return Promise.resolve({ exitCode: 0, stderr: '', stdout: JSON.stringify({ accessToken: `token-number-${commands.length}`, expires_on: now / 1000 + seconds }) });
  };
  const reach: typeof fetch = (input, init) => {
    authorizations.push(new Request(input, init).headers.get('authorization'));
    return Promise.resolve(answer?.() ?? Response.json({ status: 'success', data: { resultType: 'matrix', result: [] } }));
  };
  const waited: number[] = [];
  const clock: Context['clock'] = { now: () => new Date(now), sleep: (time) => Promise.resolve(void waited.push(time)) };
  const ctx = { exec: { run }, fetch: reach, clock, signal, mask: (secret: string) => void masked.push(secret) } as Pick<Context, 'exec' | 'fetch' | 'clock' | 'signal' | 'mask'> as Context;
  return { ctx, authorizations, commands, masked, waited, pass: (time: number) => void (now += time * 1000) };
}

const given = (values: Readonly<Record<string, string>>) => parseInputs(inputs, { image: `r.example/shop@sha256:${'a'.repeat(64)}`, chart: './chart', release: 'shop', namespace: 'web', 'registry-sign-in': 'cli', ...values });
const ask = (values: Readonly<Record<string, string>>, { ctx }: { readonly ctx: Context }) => connectServer(given(values), ctx).samples('up', 5, signal);

describe('a token', () => {
  test('of Entra goes to a workspace of Azure Monitor, and is renewed before its end', async () => {
    const world = machine();
    const server = connectServer(given({ metrics: workspace }), world.ctx);
    await server.samples('up', 5, signal);
    world.pass(3000);
    await server.samples('up', 5, signal);
    world.pass(400);
    await server.samples('up', 5, signal);
    expect(world.authorizations).toEqual(['Bearer token-number-1', 'Bearer token-number-1', 'Bearer token-number-2']);
    expect(world.commands[0]?.args).toContain('https://prometheus.monitor.azure.com');
    expect(world.masked).toContain('token-number-1');
  });
  test('goes to nobody else unasked', async () => {
    const world = machine();
    await ask({ metrics: 'http://prometheus.monitoring:9090' }, world);
    await ask({ metrics: `${workspace}.evil.example` }, world);
    expect([world.authorizations, world.commands]).toEqual([[null, null], []]);
  });
  test('of another audience goes where it was asked for', async () => {
    const world = machine();
    await ask({ metrics: 'https://metrics.acme.example', 'metrics-audience': 'api://metrics' }, world);
    expect([world.authorizations, world.commands[0]?.args.includes('api://metrics')]).toEqual([['Bearer token-number-1'], true]);
  });
  test('that is fixed is sent as it is, and hidden', async () => {
    const world = machine();
    await ask({ metrics: workspace, 'metrics-token': 'fixed-token' }, world);
    expect([world.authorizations, world.commands, world.masked]).toEqual([['Bearer fixed-token'], [], ['fixed-token']]);
  });
  test.each([
    ['two tokens', { metrics: workspace, 'metrics-audience': 'a', 'metrics-token': 'b' }], ['no TLS', { metrics: 'http://metrics.acme.example', 'metrics-audience': 'a' }],
  ])('%s are refused', (_, values) => {
    expect(() => connectServer(given(values), machine().ctx)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

describe('a workspace', () => {
  test.each([[401], [403]])('that answers %d is told with the role assignment', async (status) => {
    const answer = (): Response => Response.json({ status: 'error', error: 'no' }, { status });
    await expect(ask({ metrics: `${workspace}/` }, machine({ answer }))).rejects.toMatchObject({
      code: 'METRICS_REFUSED', hint: expect.stringContaining(`--role "Monitoring Data Reader" --scope "$(az monitor account list --query '[?metrics.prometheusQueryEndpoint=='\\''${workspace}'\\''].id' --output tsv)"`) as string,
    });
  });
  test('that limits the rate is asked again when it says so', async () => {
    const replies = [Response.json({}, { status: 429, headers: { 'retry-after': '7' } })];
    const world = machine({ answer: () => replies.pop() ?? Response.json({ status: 'success', data: { resultType: 'matrix', result: [] } }) });
    expect([await ask({ metrics: workspace }, world), world.waited]).toEqual([[], [7]]);
  });
});
