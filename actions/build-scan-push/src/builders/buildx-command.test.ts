// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { basesOf, errorOf, imageArguments, inspectArguments, problemOf, readInstance, stageLines, testArguments } from './buildx-command.ts';
import { secretVariables, type BuildWishes } from './request-arguments.ts';

const bare: BuildWishes = {
  source: { version: '1.2.0', revision: 'abc', uri: 'https://github.com/contoso/web', epoch: 7 },
  context: '-odd', dockerfile: '-odd/Dockerfile', platforms: [{ os: 'linux', architecture: 'amd64' }, { os: 'linux', architecture: 'arm', variant: 'v7' }],
  buildArgs: { BASE: 'r.io/base:1' }, buildContexts: { lib: '../lib' }, secrets: { npm: 'hunter2', pip: 'swordfish' }, labels: { team: 'a b' },
};
const request: BuildWishes = { ...bare, stage: 'final' };
const wishes = [
  '--build-arg', 'BASE=r.io/base:1', '--build-context', 'lib=../lib',
  '--label', 'org.opencontainers.image.created=1970-01-01T00:00:07Z', '--label', 'org.opencontainers.image.revision=abc', '--label', 'org.opencontainers.image.source=https://github.com/contoso/web',
  '--label', 'org.opencontainers.image.version=1.2.0', '--label', 'team=a b',
  '--secret', 'id=npm,env=PRATIQUE_BUILD_SECRET_0', '--secret', 'id=pip,env=PRATIQUE_BUILD_SECRET_1', '--', '-odd',
];
const common = ['--progress=plain', '--provenance=false', '--sbom=false', '--file', '-odd/Dockerfile'];

describe('arguments of docker buildx', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['all platforms in one build, into a layout', imageArguments(request, 'bk', { layout: '/s/layout', metadata: '/s/metadata.json' }), [
      'buildx', 'build', '--builder=bk', ...common, '--platform', 'linux/amd64,linux/arm/v7', '--metadata-file', '/s/metadata.json', '--target', 'final',
      '--output', 'type=oci,tar=false,dest=/s/layout,rewrite-timestamp=true', ...wishes,
    ]],
    ['the builder in use, the last stage', imageArguments(bare, undefined, { layout: '/s/layout', metadata: '/s/m' }), [
      'buildx', 'build', ...common, '--platform', 'linux/amd64,linux/arm/v7', '--metadata-file', '/s/m', '--output', 'type=oci,tar=false,dest=/s/layout,rewrite-timestamp=true', ...wishes,
    ]],
    ['tests: their stage, never from the cache, on the platform of the builder', testArguments(request, 'bk', 'test'), [
      'buildx', 'build', '--builder=bk', ...common, '--target', 'test', '--no-cache-filter', 'test', '--output', 'type=cacheonly', ...wishes,
    ]],
    ['the instance that is named', inspectArguments('bk'), ['buildx', 'inspect', '--bootstrap', '--', 'bk']],
    ['the instance in use', inspectArguments(undefined), ['buildx', 'inspect', '--bootstrap']],
  ])('%s', (_, args, expected) => {
    expect(args).toEqual(expected);
  });
  test('secrets are in the environment alone', () => {
    expect(secretVariables(request.secrets)).toEqual({ PRATIQUE_BUILD_SECRET_0: 'hunter2', PRATIQUE_BUILD_SECRET_1: 'swordfish' });
  });
});

// Outputs as buildx 0.29.1 wrote them.
describe('readInstance', () => {
  test.each([
    ['a remote one', 'Name:          bk\nDriver:        remote\nLast Activity: 2026-11-21 09:00:00 +0000 UTC\n\nNodes:\nName:             bk0\nEndpoint:         unix:///s.sock\nStatus:           running\nBuildKit version: v0.33.0\n', { name: 'bk', driver: 'remote', buildkit: 'v0.33.0' }],
    ['the classic one', 'Name:   default\nDriver: docker\n\nNodes:\nName:             default\nEndpoint:         default\nStatus:           running\nBuildKit version: v0.22.0\n', { name: 'default', driver: 'docker', buildkit: 'v0.22.0' }],
    ['one without its daemon', 'Name:   default\nDriver: \nError:  Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n\nNodes:\n', { name: 'default', driver: '', error: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' }],
    ['one whose node does not answer', 'Name:   bk\nDriver: remote\n\nNodes:\nName:     bk0\nEndpoint: unix:///s.sock\nError:    context deadline exceeded\n', { name: 'bk', driver: 'remote', error: 'context deadline exceeded' }],
  ])('%s', (_, output, instance) => {
    expect(readInstance(output)).toEqual(instance);
  });
});

const digest = `sha256:${'a'.repeat(64)}`;
const failed = (id: number, code: number): string => `#${id} ERROR: process "/bin/sh -c x" did not complete successfully: exit code: ${code}\n------\n > [test 4/4] RUN x:\n------\nERROR: failed to build: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: ${code}\n`;

describe('problemOf', () => {
  test.each<[string, string, 'tests' | 'build']>([
    ['a RUN of the stage', `#8 [test 4/4] RUN x\n#8 0.061 not ok\n${failed(8, 7)}`, 'tests'],
    ['more than nine steps, and a platform', `#8 [linux/amd64 Test  4/12] RUN x\n${failed(8, 1)}`, 'tests'],
    ['a Dockerfile of one stage without a name', `#8 [2/2] RUN x\n${failed(8, 1)}`, 'tests'],
    ['a RUN of an earlier stage', `#7 [base 2/2] RUN x\n#8 [test 4/4] RUN x\n${failed(7, 3)}`, 'build'],
    ['a program that is not there', `#8 [test 4/4] RUN x\n${failed(8, 127)}`, 'build'],
    ['a program that may not be run', `#8 [test 4/4] RUN x\n${failed(8, 126)}`, 'build'],
    ['a container that could not be started', `#8 [test 4/4] RUN ["x"]\n#8 0.050 runc run failed: unable to start container process: error during container init: exec: "x"\n${failed(8, 1)}`, 'build'],
    ['a shell of another processor', `#8 [test 4/4] RUN x\n#8 0.050 exec /bin/sh: exec format error\n${failed(8, 1)}`, 'build'],
    ['killed for want of memory', `#8 [test 4/4] RUN x\n${failed(8, 137)}`, 'tests'],
    ['a missing file', '#7 [test 2/4] COPY nosuch /\n#7 ERROR: failed to calculate checksum of ref x: "/nosuch": not found\nERROR: failed to build: failed to solve: failed to compute cache key\n', 'build'],
    ['a base that is not there', 'ERROR: failed to build: failed to solve: r.io/x: failed to resolve source metadata\n', 'build'],
    ['a test that prints such a line', '#8 [test 4/4] RUN x\n#8 0.050 #8 ERROR: process "x" did not complete successfully: exit code: 1\nERROR: failed to receive status\n', 'build'],
  ])('%s', (_, output, problem) => {
    expect(problemOf(output, 'test')).toBe(problem);
  });
});

test('the error is told without its frames', () => {
  expect(errorOf(failed(8, 7))).toBe('process "/bin/sh -c x" did not complete successfully: exit code: 7');
  expect(errorOf('ERROR: no builder "x" found\n')).toBe('no builder "x" found');
  expect(errorOf('')).toBeUndefined();
});

test('the bases of an image are in the progress, each once', () => {
  const line = (step: number, name: string): string => `#${step} [linux/amd64 final 1/3] FROM ${name}@${digest}\n`;
  expect(basesOf(`#2 [context lib] load metadata for docker.io/library/lib@${digest}\n${line(5, 'r.io/base:12')}${line(6, 'a.io/other:1')}${line(7, 'r.io/base:12')}#8 [final 2/3] RUN echo FROM x@${digest}\n#8 0.1 #5 [a 1/1] FROM evil@${digest}\n`)).toEqual([{ uri: 'a.io/other:1', digest }, { uri: 'context:lib', digest }, { uri: 'r.io/base:12', digest }]);
});

describe('stageLines', () => {
  test('keeps what the tests printed', () => {
    const lines = ['#1 [internal] load build definition', '#6 [base 2/2] RUN make', '#6 0.1 made', '#8 [test 4/4] RUN sh test.sh', '#8 0.061 not ok 1', '#8 0.062 # 1 of 2 failed', '#8 ERROR: process "x"', 'Dockerfile:10', 'ERROR: failed to build'];
    expect(stageLines(lines, 'test')).toEqual(['RUN sh test.sh', 'not ok 1', '# 1 of 2 failed']);
  });
  test('keeps everything when no test ran', () => {
    expect(stageLines(['#1 [internal] x', 'ERROR: y'], 'test')).toEqual(['#1 [internal] x', 'ERROR: y']);
  });
});
