// SPDX-License-Identifier: Apache-2.0
// Planted secrets and every token of the chain appear in nothing that the steps print, also when servers refuse and repeat what they were sent.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildScanPush } from '@pratique/build-scan-push';
import { formatImage } from '@pratique/core';
import { runInTerminal } from '@pratique/host';
import { quarantineGate } from '@pratique/quarantine-gate';
import { signAndAttest } from '@pratique/sign-and-attest';
import type { Step } from '@pratique/step';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateWorld, type GateRole, type GateWorld, type QuarantinedImage } from '../fixtures/gate-world.ts';
import { collectTokens, leaksIn, type TokenCollector } from '../fixtures/token-collector.ts';

type Given = Readonly<Record<string, string | undefined>>;

const planted = {
  environment: 'planted-environment-2f7c91aa', userInfo: 'planted-user-info-91b0c3dd', query: 'planted-query-5d21ee07', githubToken: 'ghs_PLANTEDplantedPLANTEDplantedPLANTED00',
};

let world: GateWorld;
let folder: string;
let collector: TokenCollector;
let pushed: QuarantinedImage;
const printed: string[] = [];

beforeAll(async () => {
  world = await openGateWorld();
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  await writeFile(join(folder, 'trivy'), '#!/bin/sh\ncase "$1" in --version) echo "Version: 0.72.0";; *) env | sort; echo "FATAL end of the script" >&2; exit 1;; esac\n');
  await chmod(join(folder, 'trivy'), 0o755);
  collector = collectTokens(world.lab);
  pushed = await world.pushImage({ name: 'secrets' });
  await world.layOut({ name: 'secrets-layout' });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world[Symbol.asyncDispose]();
});

/** Runs a step as in a terminal and keeps all that it printed. */
async function run(step: Step, role: GateRole, given: Given): Promise<{ readonly status: number; readonly text: string }> {
  const env = { PATH: [folder, process.env['PATH']].join(':'), HOME: folder, GITHUB_TOKEN: planted.githubToken, PLANTED: planted.environment, AZURE_CLIENT_SECRET: planted.environment, ACTIONS_RUNTIME_TOKEN: planted.environment, INPUT_SECRET: planted.environment, ...namedLike(planted.environment) };
  const host = await world.hostFor(role, { runId: pushed.run, ref: 'refs/tags/v1.2.0' }, env);
  const before = printed.length;
  const keep = (text: string): void => void printed.push(text);
  const all = { ...world.inputsOf(role), ...given };
  const inputs = Object.fromEntries(Object.entries(all).filter(([name]) => name in step.inputs || name in given));
  const statuses = [await runInTerminal(step, inputs, { ...host, out: keep, err: keep }), await runInTerminal(step, inputs, { ...host, json: true, out: keep, err: keep })];
  return { status: statuses[0] ?? -1, text: printed.slice(before).join('') };
}

const namedLike = (value: string): Record<string, string> => ({ NPM_TOKEN: value, AWS_SECRET_ACCESS_KEY: value, REGISTRY_PASSWORD: value });
const poisoned = (url: string): string => url.replace('https://', `https://ann:${planted.userInfo}@`).concat(`?sig=${planted.query}&x=1`);
const image = (): string => formatImage(pushed.image);
const evidence = (): string => formatImage({ ...pushed.image, digest: pushed.evidence.digest });
const release = (): string => `${pushed.release.registry}/${pushed.release.repository}`;

function expectNoLeaks(text: string): void {
  expect(leaksIn(text, [...Object.values(planted), ...collector.tokens])).toEqual([]);
}

test('the collector sees what it shall, and a leak would be found', async () => {
  await run(signAndAttest, 'builder', { image: image(), evidence: evidence() });
  expect(collector.tokens.size).toBeGreaterThan(8);
  const [token = ''] = collector.tokens;
  expect(leaksIn(`before ${token} after`, collector.tokens)).toHaveLength(1);
});

test('a whole chain prints none of them', async () => {
  const runs = [
    await run(buildScanPush, 'builder', { phases: 'push', layout: 'secrets-layout', image: `${pushed.image.registry}/quarantine/other` }),
    await run(signAndAttest, 'builder', { image: image(), evidence: evidence() }),
    await run(quarantineGate, 'gate', { image: image(), release: release() }),
  ];
  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
  expectNoLeaks(printed.join(''));
});

test('a scanner that prints its environment prints none of them', async () => {
  const { status, text } = await run(buildScanPush, 'builder', { phases: 'scan', layout: 'secrets-layout' });
  expect(status).toBe(4);
  expectNoLeaks(text);
});

const misuse: readonly (readonly [string, Step, GateRole, () => Given])[] = [
  ['a trusted root behind credentials', signAndAttest, 'builder', () => ({ image: image(), 'trusted-root': poisoned('https://127.0.0.1:9/root.json') })],
  ['a signing config behind credentials', signAndAttest, 'builder', () => ({ image: image(), 'signing-config': poisoned('https://127.0.0.1:9/config.json') })],
  ['an authority host with credentials', quarantineGate, 'gate', () => ({ image: image(), release: release(), 'azure-authority-host': poisoned('https://127.0.0.1:9') })],
  ['a policy address with credentials', quarantineGate, 'gate', () => ({ image: image(), release: release(), policy: poisoned('https://127.0.0.1:9/policy') })],
  ['an image that is a URL with credentials', quarantineGate, 'gate', () => ({ image: poisoned('https://127.0.0.1:9/app'), release: release() })],
  ['a scanner database with credentials', buildScanPush, 'builder', () => ({ phases: 'scan', layout: 'secrets-layout', 'scanner-database': poisoned('https://127.0.0.1:9/db') })],
  ['a token as the value of a choice', quarantineGate, 'gate', () => ({ image: image(), release: release(), channel: planted.githubToken })],
];
test.each(misuse)('%s is told without them', async (_, step, role, given) => {
  const { status, text } = await run(step, role, given());
  expect(status).not.toBe(0);
  expectNoLeaks(text);
});

const echoes = (['acr', 'entra', 'sigstore', 'github'] as const).flatMap((service) => [400, 401, 403, 500].map((status) => ({ service, status })));
test.each(echoes)('$service answers $status and repeats what it was sent: nothing leaks', async ({ service, status }) => {
  collector.refuse(service, status);
  const sign = await run(signAndAttest, 'builder', { image: image(), evidence: evidence() });
  const gate = await run(quarantineGate, 'gate', { image: image(), release: release() });
  collector.refuse(service);
  expect([sign.status, gate.status]).not.toEqual([0, 0]);
  expectNoLeaks(sign.text + gate.text);
});
