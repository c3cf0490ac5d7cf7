// SPDX-License-Identifier: Apache-2.0
import type { Command, CommandResult } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { openCredential } from './credential.ts';
import { readKubeconfig, type ClusterAccess } from './kubeconfig.ts';

const pem = (label: string): string => Buffer.from(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`).toString('base64');
const config = (cluster: string, user: string): string => `
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: web}}
- {name: two, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster: {${cluster}}
users:
- name: u
  user: ${user}
`;
const server = 'server: "https://10.0.0.1:6443/"';

describe('a kubeconfig', () => {
  test('gives server, namespace, authority and client certificate of its current context', () => {
    const access = readKubeconfig(config(`${server}, certificate-authority-data: ${pem('CERTIFICATE')}, tls-server-name: kube`, `{client-certificate-data: ${pem('CERTIFICATE')}, client-key-data: ${pem('EC PRIVATE KEY')}}`));
    expect(access).toMatchObject({ context: 'one', server: 'https://10.0.0.1:6443', namespace: 'web', tls: { serverName: 'kube' } });
    expect(access.tls.authorities).toContain('BEGIN CERTIFICATE');
    expect(access.tls.client?.key).toContain('EC PRIVATE KEY');
  });
  test('another context can be chosen; its namespace is default when it names none', () => {
    expect(readKubeconfig(config(server, '{token: t0ken}'), 'two')).toEqual({ context: 'two', server: 'https://10.0.0.1:6443', namespace: 'default', tls: {}, token: 't0ken' });
  });
  test.each([
    ['no YAML', 'a: [', /not YAML/],
    ['a key twice', 'a: 1\na: 2', /duplicated mapping key/],
    ['two documents', 'a: 1\n---\nb: 1', /one YAML mapping/],
    ['no context', 'clusters: []', /no current-context/],
    ['an unknown context', config(server, '{}').replace('current-context: one', 'current-context: three'), /no context "three"/],
    ['a server without TLS', config('server: "http://10.0.0.1"', '{}'), /no https/],
    ['a server that nobody verifies', config(`${server}, insecure-skip-tls-verify: true`, '{}'), /insecure-skip-tls-verify/],
    ['a proxy of its own', config(`${server}, proxy-url: "http://p"`, '{}'), /proxy-url/],
    ['a file of this machine as authority', config(`${server}, certificate-authority: /etc/shadow`, '{}'), /names a file/],
    ['a file of this machine as token', config(server, '{tokenFile: /etc/shadow}'), /names a file/],
    ['a certificate without its key', config(server, `{client-certificate-data: ${pem('CERTIFICATE')}}`), /not both/],
    ['a password', config(server, '{username: me, password: hunter22}'), /username/],
    ['impersonation', config(server, '{as: admin}'), /as of the user/],
    ['a token that would split the header', config(server, '{token: "a\\r\\nb: c"}'), /characters/],
    ['a plugin that asks people', config(server, '{exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin, interactiveMode: Always}}'), /ask a person/],
    ['a plugin of an old version', config(server, '{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}'), /version/],
  ])('is refused with %s', (_, text, message) => {
    expect(() => readKubeconfig(text)).toThrow(expect.objectContaining({ code: 'KUBE_CONFIG_INVALID', message: expect.stringMatching(message) as string }));
  });
  test('no credential is in a failure', () => {
    expect(() => readKubeconfig(config(server, '{token: hunter2-hunter2, username: me}'))).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter2') as string }));
  });
});

describe('a credential plugin', () => {
  const access = (text = ''): ClusterAccess => readKubeconfig(config(server, `{exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin, args: [get-token], env: [{name: A, value: b}], installHint: "get it"${text}}}`));
  const world = (results: readonly Partial<CommandResult>[], now = '2026-01-01T00:00:00Z') => {
    const commands: Command[] = [];
    const masked: string[] = [];
    const run = (command: Command): Promise<CommandResult> => {
      commands.push(command);
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ...results[commands.length - 1] });
    };
    return { commands, masked, exec: { run }, mask: (secret: string) => void masked.push(secret), clock: { now: () => new Date(now), sleep: () => Promise.resolve() } };
  };
  const credential = (token: string, expirationTimestamp?: string): Partial<CommandResult> => ({ stdout: JSON.stringify({ kind: 'ExecCredential', status: { token, expirationTimestamp } }) });

  test('is run once while its token holds, with exactly what the file says', async () => {
    const seen = world([credential('t1', '2026-01-01T01:00:00Z')]);
    const source = openCredential(access(', provideClusterInfo: true'), seen);
    expect([await source.current(), await source.current()].map(({ token }) => token)).toEqual(['t1', 't1']);
    expect(seen.commands).toMatchObject([{ file: 'kubelogin', args: ['get-token'], env: { A: 'b' } }]);
    expect(JSON.parse(seen.commands[0]?.env?.['KUBERNETES_EXEC_INFO'] ?? '')).toMatchObject({ kind: 'ExecCredential', spec: { interactive: false, cluster: { server: 'https://10.0.0.1:6443' } } });
    expect(seen.masked).toEqual(['t1']);
  });
  test('is run again when the token ends within a minute, and after a refusal', async () => {
    const seen = world([credential('t1', '2026-01-01T00:00:30Z'), credential('t2'), credential('t3')]);
    const source = openCredential(access(), seen);
    const tokens = [(await source.current()).token, (await source.current()).token];
    source.renew();
    expect([...tokens, (await source.current()).token]).toEqual(['t1', 't2', 't3']);
  });
  test.each<[string, Partial<CommandResult>, RegExp]>([
    ['ends badly', { exitCode: 1, stdout: 'secret', stderr: 'AADSTS7000\nno login' }, /ended with 1: AADSTS7000 no login/],
    ['prints no credential', { stdout: '{"kind":"ExecCredential","status":{}}' }, /gave no credential/],
    ['prints no JSON', { stdout: 'hello' }, /is not JSON/],
  ])('that %s is a clear failure', async (_, result, message) => {
    await expect(openCredential(access(), world([result])).current()).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED', message: expect.stringMatching(message) as string });
  });
});
