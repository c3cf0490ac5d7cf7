// SPDX-License-Identifier: Apache-2.0
// Real clients, unchanged, against the emulator over TLS in ABAC mode: skopeo, oras, crane, docker. Each logs in with an ACR refresh token.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { obtain } from '../tools/obtain.ts';
import { startClientWorld, startDockerd, type ClientWorld, type Dockerd, type Ended, type Login } from './client-world.ts';

const paths: Record<string, string> = {};
let world: ClientWorld;
let builder: Login;
let gate: Login;
let cluster: Login;

beforeAll(async () => {
  for (const tool of await obtain(['skopeo', 'oras', 'crane', 'docker'])) paths[tool.name] = tool.path;
  world = await startClientWorld();
  [builder, gate, cluster] = await Promise.all([world.login('builder'), world.login('gate'), world.login('cluster')]);
}, 1_800_000);
afterAll(() => world.close());

async function ok(ended: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await ended;
  expect(`${code} ${code === 0 ? '' : stderr}`).toBe('0 ');
  return stdout.trim();
}

/** What a client without the role says: that it may not, and about what. */
async function refused(ended: Promise<Ended>): Promise<void> {
  const { code, stderr } = await ended;
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/unauthorized|authentication required|denied|401/i);
}

describe('skopeo', () => {
  const skopeo = (login: Login, ...args: string[]): Promise<Ended> => login.run(paths['skopeo'] ?? '', args);
  const at = (name: string): string => `docker://${world.host}/${name}`;
  test('logs in, pushes and copies all platforms with their digests, lists, reads, deletes', async () => {
    for (const login of [builder, gate, cluster]) await ok(login.run(paths['skopeo'] ?? '', ['login', '-u', world.user, '--password-stdin', world.host], login.password));
    await ok(skopeo(builder, 'copy', '--all', '--preserve-digests', `oci:${world.layout}:v1`, at('quarantine/skopeo:v1')));
    await ok(skopeo(gate, 'copy', '--all', '--preserve-digests', at('quarantine/skopeo:v1'), at('app/skopeo:v1')));
    const raw = await skopeo(cluster, 'inspect', '--raw', at(`app/skopeo@${world.image.index}`));
    expect((JSON.parse(raw.stdout) as { manifests: { digest: string }[] }).manifests[0]?.digest).toBe(world.image.amd64);
    expect(JSON.parse(await ok(skopeo(cluster, 'list-tags', at('app/skopeo'))))).toMatchObject({ Tags: ['v1'] });
    expect(JSON.parse(await ok(skopeo(cluster, 'inspect', at('app/skopeo:v1'))))).toMatchObject({ Digest: world.image.index, Architecture: 'amd64' });
    await ok(skopeo(cluster, 'copy', '--all', '--preserve-digests', at('app/skopeo:v1'), `oci:${join(cluster.folder, 'pulled')}:v1`));
    expect(JSON.parse(await readFile(join(cluster.folder, 'pulled/index.json'), 'utf8'))).toMatchObject({ manifests: [{ digest: world.image.index }] });
    await ok(skopeo(gate, 'delete', at('app/skopeo:v1')));
    expect((await skopeo(cluster, 'inspect', '--raw', at('app/skopeo:v1'))).stderr).toMatch(/manifest unknown|not found/i);
  });

  test('a missing role is told', async () => {
    await refused(skopeo(cluster, 'copy', '--all', `oci:${world.layout}:v1`, at('app/other:v1')));
    await refused(skopeo(cluster, 'inspect', at('quarantine/skopeo:v1')));
    await refused(skopeo(builder, 'delete', at('quarantine/skopeo:v1')));
  });
});

describe('oras', () => {
  const oras = (login: Login, ...args: string[]): Promise<Ended> => login.run(paths['oras'] ?? '', args);
  test('logs in, pushes, attaches, discovers, copies with referrers, lists, deletes', async () => {
    for (const login of [builder, gate, cluster]) await ok(login.run(paths['oras'] ?? '', ['login', world.host, '-u', world.user, '--password-stdin'], login.password));
    const source = `${world.host}/quarantine/oras:v1`;
    await ok(oras(builder, 'cp', '--from-oci-layout', `${world.layout}:v1`, source));
    await writeFile(join(builder.folder, 'report.json'), '{"findings":[]}');
    await ok(oras(builder, 'attach', '--artifact-type', 'application/vnd.example.report', source, 'report.json:application/json'));
    const attached = JSON.parse(await ok(oras(builder, 'discover', '--format', 'json', source))) as { digest: string; referrers: { digest: string; artifactType: string }[] };
    expect([attached.digest, attached.referrers.map((item) => item.artifactType)]).toEqual([world.image.index, ['application/vnd.example.report']]);
    const target = `${world.host}/app/oras`;
    await ok(oras(gate, 'cp', '-r', source, `${target}:v1`));
    const copied = JSON.parse(await ok(oras(cluster, 'discover', '--format', 'json', '--artifact-type', 'application/vnd.example.report', `${target}:v1`))) as typeof attached;
    expect([copied.digest, copied.referrers[0]?.digest]).toEqual([world.image.index, attached.referrers[0]?.digest]);
    expect(await ok(oras(cluster, 'repo', 'tags', target))).toBe('v1');
    expect(JSON.parse(await ok(oras(cluster, 'manifest', 'fetch', '--descriptor', `${target}:v1`)))).toMatchObject({ digest: world.image.index });
    await ok(oras(cluster, 'pull', `${target}@${copied.referrers[0]?.digest}`, '-o', join(cluster.folder, 'out')));
    expect(await readFile(join(cluster.folder, 'out/report.json'), 'utf8')).toBe('{"findings":[]}');
    await ok(oras(gate, 'manifest', 'delete', '--force', `${target}@${world.image.index}`));
    expect((await oras(cluster, 'manifest', 'fetch', `${target}@${copied.referrers[0]?.digest}`)).code).not.toBe(0);
  });

  test('on a registry with customer-managed keys it falls back to the tag of the subject', async () => {
    world.emulator.settings.referrers = false;
    const source = `${world.host}/quarantine/oras-cmk:v1`;
    await ok(oras(builder, 'cp', '--from-oci-layout', `${world.layout}:v1`, source));
    await ok(oras(builder, 'attach', '--artifact-type', 'application/vnd.example.report', '--annotation', 'a=b', source));
    expect(await ok(oras(builder, 'repo', 'tags', `${world.host}/quarantine/oras-cmk`))).toContain(world.image.index.replace(':', '-'));
    expect(JSON.parse(await ok(oras(builder, 'discover', '--format', 'json', source)))).toMatchObject({ referrers: [{ artifactType: 'application/vnd.example.report' }] });
    world.emulator.settings.referrers = true;
  });

  test('a missing role is told', async () => {
    await refused(oras(cluster, 'cp', '--from-oci-layout', `${world.layout}:v1`, `${world.host}/app/other:v1`));
    await refused(oras(builder, 'manifest', 'delete', '--force', `${world.host}/quarantine/oras@${world.image.index}`));
  });
});

describe('crane', () => {
  const crane = (login: Login, ...args: string[]): Promise<Ended> => login.run(paths['crane'] ?? '', args);
  test('logs in, pushes, copies, lists, pulls, deletes', async () => {
    for (const login of [builder, gate, cluster]) await ok(login.run(paths['crane'] ?? '', ['auth', 'login', world.host, '-u', world.user, '--password-stdin'], login.password));
    const source = `${world.host}/quarantine/crane:v1`;
    const target = `${world.host}/app/crane`;
    expect(await ok(crane(builder, 'push', '--index', world.layout, source))).toContain('sha256:');
    await ok(crane(builder, 'copy', `${world.host}/quarantine/skopeo:v1`, source));
    await ok(crane(gate, 'copy', source, `${target}:v1`));
    await ok(crane(gate, 'tag', `${target}:v1`, 'latest'));
    expect(await ok(crane(cluster, 'digest', `${target}:latest`))).toBe(world.image.index);
    expect(await ok(crane(cluster, 'digest', '--platform', 'linux/amd64', `${target}:v1`))).toBe(world.image.amd64);
    expect((await ok(crane(cluster, 'ls', target))).split('\n')).toEqual(['latest', 'v1']);
    await ok(crane(cluster, 'pull', '--format', 'oci', `${target}:v1`, join(cluster.folder, 'crane')));
    expect(JSON.parse(await readFile(join(cluster.folder, 'crane/index.json'), 'utf8'))).toMatchObject({ manifests: [{ digest: world.image.index }] });
    await ok(crane(cluster, 'validate', '--remote', `${target}:v1`));
    await ok(crane(gate, 'delete', `${target}@${world.image.index}`));
    expect((await crane(cluster, 'digest', `${target}:latest`)).stderr).toMatch(/MANIFEST_UNKNOWN|NAME_UNKNOWN|404/);
  });

  test('a missing role is told', async () => {
    await refused(crane(cluster, 'push', '--index', world.layout, `${world.host}/app/other:v1`));
    await refused(crane(cluster, 'ls', `${world.host}/quarantine/crane`));
    await refused(crane(builder, 'catalog', world.host));
  });
});

describe('docker', () => {
  let daemon: Dockerd;
  let folder: string;
  const docker = (login: Login, ...args: string[]): Promise<Ended> => login.run(paths['docker'] ?? '', ['-H', daemon.address, ...args]);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dd-'));
    daemon = await startDockerd(folder, world.caFile);
  });
  afterAll(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('logs in, pulls its platform, pushes, pulls by digest, and has the same image', async () => {
    for (const login of [builder, gate, cluster]) {
      await ok(login.run(paths['docker'] ?? '', ['-H', daemon.address, 'login', '-u', world.user, '--password-stdin', world.host], login.password));
    }
    const source = `${world.host}/quarantine/skopeo:v1`;
    const target = `${world.host}/app/docker:v1`;
    await ok(docker(gate, 'pull', source));
    const id = await ok(docker(gate, 'image', 'inspect', '--format', '{{.Id}}', source));
    expect(id).toBe(world.image.config);
    expect(await ok(docker(gate, 'image', 'inspect', '--format', '{{index .RepoDigests 0}}', source))).toBe(`${world.host}/quarantine/skopeo@${world.image.index}`);
    await ok(docker(gate, 'tag', source, target));
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(await ok(docker(gate, 'push', target)))?.[1];
    await ok(docker(gate, 'image', 'rm', source, target));
    await ok(docker(cluster, 'pull', `${world.host}/app/docker@${digest}`));
    expect(await ok(docker(cluster, 'image', 'inspect', '--format', '{{.Id}}', `${world.host}/app/docker@${digest}`))).toBe(id);
    expect(await ok(gate.run(paths['crane'] ?? '', ['digest', target]))).toBe(digest);
  });

  test('a missing role is told', async () => {
    await ok(docker(gate, 'tag', world.image.config, `${world.host}/app/other:v1`));
    await refused(docker(cluster, 'push', `${world.host}/app/other:v1`));
    await refused(docker(cluster, 'pull', `${world.host}/quarantine/skopeo:v1`));
    const login = await cluster.run(paths['docker'] ?? '', ['-H', daemon.address, 'login', '-u', world.user, '--password-stdin', world.host], 'not-a-token');
    expect([login.code, login.stderr]).toEqual([1, expect.stringMatching(/unauthorized/i)]);
  });
});
