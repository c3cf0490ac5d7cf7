// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { openCredential } from './credential.ts';
import { readKubeconfig, type CredentialPlugin } from './kubeconfig.ts';
import { entraApplication, tokenKubeconfig } from './kubelogin.ts';

const plugin: CredentialPlugin = { apiVersion: 'client.authentication.k8s.io/v1', command: 'kubelogin', args: [], env: {}, installHint: '', provideClusterInfo: false };
const application = '6dae42f8-4368-4678-94ff-3960e28e3630';

describe('the application of a cluster', () => {
  test.each<[string, Partial<CredentialPlugin> | undefined, string | undefined]>([
    ['of kubelogin', { args: ['get-token', '--server-id', application, '--login', 'devicecode'] }, application], ['of kubelogin with =', { command: '/usr/local/bin/kubelogin', args: [`--server-id=${application}`] }, application],
    ['of kubelogin on Windows', { command: 'C:\\tools\\kubelogin.exe', args: ['--server-id', application] }, application], ['of another program', { command: 'my-kubelogin', args: ['--server-id', application] }, undefined],
    ['that is no id', { args: ['--server-id', 'https://management.azure.com'] }, undefined], ['that is cut off', { args: ['--server-id'] }, undefined], ['without a plugin', undefined, undefined],
  ])('%s', (_, changes, expected) => {
    expect(entraApplication(changes && { ...plugin, ...changes })).toBe(expected);
  });
});

test('a kubeconfig with a token is read as what it was made from', () => {
  const access = { context: 'lab', server: 'https://10.0.0.1:6443', namespace: 'web', tls: { authorities: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', serverName: 'lab' } };
  expect(readKubeconfig(tokenKubeconfig(access, 'a-token'))).toEqual({ ...access, token: 'a-token' });
});

test('a bearer is asked for each call, and takes the place of the plugin', async () => {
  let asked = 0;
  const world = { exec: { run: () => Promise.reject(new Error('nothing is run here')) }, mask: () => undefined, clock: { now: () => new Date(), sleep: () => Promise.resolve() } };
  const source = openCredential({ context: 'c', server: 'https://kube.test', namespace: 'web', tls: {}, plugin, bearer: () => Promise.resolve(`token ${(asked += 1)}`) }, world);
  expect([await source.current(), await source.current(), source.renew()]).toEqual([{ token: 'token 1' }, { token: 'token 2' }, false]);
});
