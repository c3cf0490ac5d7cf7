// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { baseOf, buildArguments, exportArguments, problemOf } from './buildah-command.ts';
import { secretVariables, type BuildWishes } from './request-arguments.ts';

const storage = { folder: '/s', driver: 'overlay' } as const;
const request: BuildWishes = {
  source: { version: '1.2.0', revision: 'abc', uri: 'https://github.com/contoso/web', epoch: 7 },
  context: '-odd', dockerfile: '-odd/Dockerfile', platforms: [], buildArgs: { BASE: 'r.io/base:1' }, buildContexts: { lib: '../lib' }, secrets: { npm: 'hunter2', pip: 'swordfish' }, labels: { team: 'a b' },
};

describe('arguments of buildah', () => {
  test('build one stage for one platform; secrets only by name', () => {
    const args = buildArguments(request, { storage, stage: 'final', platform: { os: 'linux', architecture: 'arm64' } });
    expect(args).toEqual([
      '--root', '/s/root', '--runroot', '/s/run', '--storage-driver', 'overlay', 'bud', '--isolation', 'chroot', '--format', 'oci', '--timestamp', '7', '--identity-label=false',
      '--file', '-odd/Dockerfile', '--tag', 'localhost/pratique:built', '--platform', 'linux/arm64', '--target', 'final', '--build-arg', 'BASE=r.io/base:1', '--build-context', 'lib=../lib',
      '--label', 'org.opencontainers.image.created=1970-01-01T00:00:07Z', '--label', 'org.opencontainers.image.revision=abc', '--label', 'org.opencontainers.image.source=https://github.com/contoso/web',
      '--label', 'org.opencontainers.image.version=1.2.0', '--label', 'team=a b',
      '--secret', 'id=npm,env=PRATIQUE_BUILD_SECRET_0', '--secret', 'id=pip,env=PRATIQUE_BUILD_SECRET_1', '--', '-odd',
    ]);
    expect(secretVariables(request.secrets)).toEqual({ PRATIQUE_BUILD_SECRET_0: 'hunter2', PRATIQUE_BUILD_SECRET_1: 'swordfish' });
  });
  test('a test stage runs on the platform of the machine', () => {
    expect(buildArguments(request, { storage, stage: 'test', platform: undefined })).not.toContain('--platform');
  });
  test('write a layout', () => {
    expect(exportArguments(storage, '/out').slice(6)).toEqual(['push', '--quiet', 'localhost/pratique:built', 'oci:/out:image']);
  });
});

// Outputs as buildah 1.28.2 wrote them.
describe('problemOf', () => {
  const error = 'subprocess exited with status 9\nError: building at STEP "RUN exit 9": exit status 9\n';
  test.each<[string, number, string, string, 'tests' | 'build']>([
    ['a RUN of the only stage', 1, 'STEP 1/2: FROM b AS test\nSTEP 2/2: RUN sh test.sh\nnot ok\n', error, 'tests'],
    ['a RUN of the last stage', 9, '[1/2] STEP 2/2: RUN make\n[2/2] STEP 1/2: FROM a AS test\n[2/2] STEP 2/2: RUN exit 9\n', error, 'tests'],
    ['a RUN of an earlier stage', 3, '[1/2] STEP 1/2: FROM a\n[1/2] STEP 2/2: RUN exit 3\n', error, 'build'],
    ['a program that is not there', 127, 'STEP 2/2: RUN nosuch\n', error, 'build'],
    ['a program that may not be run', 126, 'STEP 2/2: RUN ./x\n', error, 'build'],
    ['a missing file', 125, 'STEP 2/2: COPY nosuch /\n', 'Error: building at STEP "COPY nosuch /": copier: stat\n', 'build'],
    ['a missing base', 125, 'STEP 1/1: FROM x\n', 'Error: creating build container\n', 'build'],
    ['killed for want of memory', 137, 'STEP 2/2: RUN ./test\n', error, 'tests'],
    ['ended by a signal of its own', 137, 'STEP 2/2: RUN ./test\n', '', 'build'],
  ])('%s', (_, exitCode, stdout, stderr, problem) => {
    expect(problemOf({ exitCode, stdout, stderr })).toBe(problem);
  });
});

test('the base of an image is in its annotations', () => {
  expect(baseOf({ 'org.opencontainers.image.base.name': 'r.io/base:1', 'org.opencontainers.image.base.digest': 'sha256:0' })).toEqual({ uri: 'r.io/base:1', digest: 'sha256:0' });
  expect(baseOf({ 'org.opencontainers.image.base.name': '' })).toBeUndefined();
  expect(baseOf(undefined)).toBeUndefined();
});
