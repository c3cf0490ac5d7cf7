// SPDX-License-Identifier: Apache-2.0
// What is said where a cluster cannot be started.
import { Failure, type Tools } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { locatePrograms, requireMachine } from './prerequisite.ts';

const thrownBy = (work: () => void): Failure | undefined => {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return thrown instanceof Failure ? thrown : undefined;
  }
};

describe('the machine', () => {
  test.each([['darwin', 0, 'Linux only'], ['win32', undefined, 'Linux only'], ['linux', 1000, 'root alone']] as const)('%s as user %s: what is missing, and that KUBECONFIG names another', (platform, user, why) => {
    const failure = thrownBy(() => requireMachine({ platform, user }));
    expect(failure?.code).toBe('LAB_CLUSTER_UNSUPPORTED');
    expect(failure?.message).toContain(why);
    expect(failure?.hint).toContain('KUBECONFIG');
  });

  test('Linux as root will do', () => {
    expect(thrownBy(() => requireMachine({ platform: 'linux', user: 0 }))).toBeUndefined();
  });
});

describe('the programs', () => {
  const toolsWith = (present: readonly string[], code: 'TOOL_MISSING' | 'TOOL_UNVERIFIED' = 'TOOL_MISSING'): Tools => ({
    locate: (name) => (present.includes(name) ? Promise.resolve({ name, path: `/bin/${name}`, version: '1.0.0', origin: 'path' }) : Promise.reject(new Failure({ code, message: `${name} is not there` }))),
  });

  test('paths by name', async () => {
    expect(await locatePrograms(toolsWith(['etcd', 'kubelet']), ['kubelet', 'etcd'])).toEqual({ etcd: '/bin/etcd', kubelet: '/bin/kubelet' });
  });

  test('all that are missing are named at once, with the command that brings them', async () => {
    const thrown: unknown = await locatePrograms(toolsWith(['etcd']), ['kubelet', 'etcd', 'traefik']).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'TOOL_MISSING', facts: { missing: ['kubelet', 'traefik'] } });
    expect(thrown instanceof Failure && thrown.hint).toContain('npm run programs -- kubelet traefik');
  });

  test('a program that is not what it should be is no missing one', async () => {
    await expect(locatePrograms(toolsWith([], 'TOOL_UNVERIFIED'), ['etcd'])).rejects.toMatchObject({ code: 'TOOL_UNVERIFIED' });
  });
});
