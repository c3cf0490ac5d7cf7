// SPDX-License-Identifier: Apache-2.0
// The programs' files and arguments belong together: whatever one names is written, no user is without a token.
import { describe, expect, test } from 'vitest';
import { componentArguments, componentNames, insidePath } from './component.ts';
import { configurationFiles, pullLogin } from './configuration.ts';
import { users } from './objects.ts';

const tokens = Object.fromEntries(Object.keys(users).map((user) => [user, `token-of-${user}`]));
const files = configurationFiles({ address: '10.203.9.2', controlGroup: '/pratique-lab-1-2-3', registry: '127.0.0.1:5000', mirror: '127.0.0.1:5001', sandboxImage: '127.0.0.1:5001/lab/pause@sha256:0', pluginFolder: '/usr/lib/cni', registryAuthority: 'PEM of the lab', authority: 'PEM of the cluster', tokens, scrapeSeconds: 5, entra: { issuer: 'https://127.0.0.1:5002/tenant/v2.0', application: 'aks' } });
const argumentsOf = (name: (typeof componentNames)[number]): readonly string[] => componentArguments(name, '10.203.9.2');

describe.each([...componentNames])('%s', (name) => {
  test('names no configuration that is not written', () => {
    const named = argumentsOf(name).flatMap((argument) => /(?:kubeconfig|config|config\.file|token)=?(\/\S+)/.exec(argument)?.[1] ?? []);
    expect(named.filter((path) => !Object.keys(files).some((file) => insidePath(file) === path))).toEqual([]);
  });
});

test('every user has a file with a token of its own', () => {
  const written = Object.keys(users).map((user) => (JSON.parse(files[`kubeconfig-${user}`] ?? '{}') as { users: { user: { token: string } }[] }).users[0]?.user.token);
  expect(new Set(written)).toEqual(new Set(Object.values(tokens)));
});

test('both registries are reached by TLS with the CA of the lab', () => {
  for (const host of ['127.0.0.1:5000', '127.0.0.1:5001']) expect(files[`registries/${host}/hosts.toml`]).toBe(`server = "https://${host}"\n[host."https://${host}"]\n  capabilities = ["pull", "resolve"]\n  ca = "/run/pratique-lab/registries.pem"\n`);
  expect(files['registries.pem']).toBe('PEM of the lab');
});

test('the pull identity: a login for the one registry, or none', () => {
  expect(JSON.parse(pullLogin('127.0.0.1:5000', { username: 'u', password: 'p' }))).toMatchObject({ kind: 'CredentialProviderResponse', auth: { '127.0.0.1:5000': { username: 'u', password: 'p' } } });
  expect(JSON.parse(pullLogin('127.0.0.1:5000', undefined))).toMatchObject({ auth: {} });
});
