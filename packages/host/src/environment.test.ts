// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createChildEnvironment } from './environment.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'environment-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('certificates of children', () => {
  test('the extra certificates of Node join the roots that were chosen', async () => {
    await writeFile(join(folder, 'roots'), 'ROOTS\n');
    await writeFile(join(folder, 'extra'), 'EXTRA\n');
    const made = await createChildEnvironment({ SSL_CERT_FILE: join(folder, 'roots'), NODE_EXTRA_CA_CERTS: join(folder, 'extra') }, folder)();
    expect(made['NODE_EXTRA_CA_CERTS']).toBeUndefined();
    expect(await readFile(made['SSL_CERT_FILE'] ?? '', 'utf8')).toBe('ROOTS\nEXTRA\n');
  });

  test('without extra certificates nothing changes', async () => {
    expect(await createChildEnvironment({ PATH: '/bin', LC_ALL: 'C', SECRET: 'x' }, folder)()).toEqual({ PATH: '/bin', LC_ALL: 'C' });
  });

  test('the roots of the system stand in where none are chosen', async () => {
    await writeFile(join(folder, 'extra'), 'EXTRA\n');
    const made = await createChildEnvironment({ NODE_EXTRA_CA_CERTS: join(folder, 'extra') }, folder)();
    expect(await readFile(made['SSL_CERT_FILE'] ?? '', 'utf8')).toMatch(/BEGIN CERTIFICATE[\s\S]*EXTRA\n$/);
  });
});
