// SPDX-License-Identifier: Apache-2.0
// The command line as a process: help, what is refused and how, JSON, and the registry of the lab by itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'pratique-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  return { child, text };
}

async function cli(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const { child, text } = start(args);
  const [status] = (await once(child, 'close')) as [number];
  return { status, ...text };
}

describe('help', () => {
  test('without words it tells the commands; a step tells its flags', async () => {
    const overview = await cli();
    expect(overview.status).toBe(0);
    for (const name of ['build-scan-push', 'sign-and-attest', 'quarantine-gate', 'verify', 'tree', 'report', 'revoke', 'policy check', 'tools', 'lab up']) expect(overview.out).toContain(name);
    expect((await cli('quarantine-gate', '--help')).out).toContain('--moving-tags <true or false> (default true)');
  });
});

describe('is refused with its code and exit status', () => {
  test.each([
    ['a misspelt command', ['verfy', 'x'], 'there is no command "verfy x"; did you mean verify?', 2],
    ['a misspelt flag of a step', ['verify', `r.io/a@sha256:${'0'.repeat(64)}`, '--chanel', 'release'], 'chanel: there is no such input; did you mean channel?', 2],
    ['nodes without a cluster', ['lab', 'up', '--nodes', '3'], '--nodes goes with --cluster', 2],
    ['load for a machine that is not the lab', ['lab', 'load', 'http://192.0.2.1/', '--rate', '1', '--seconds', '1'], 'neither a loopback address nor one of the lab', 2],
    ['a misspelt flag of the lab', ['lab', 'acr', '--prot', '1'], 'there is no flag --prot; did you mean --port?', 2],
    ['a tag instead of a digest', ['verify', 'r.io/a:1'], 'does not name an image by digest', 2],
    ['a policy that is not there', ['policy', 'check', '--policy', 'none'], 'POLICY_INVALID', 2],
    ['a version that is none, which is no question for ours', ['build-scan-push', '--version', 'one', '--phases', 'build', '--dockerfile', 'none'], 'VERSION_INVALID', 2],
    ['a gate outside of any repository', ['quarantine-gate', `127.0.0.1:9/q/a@sha256:${'0'.repeat(64)}`, '--release', '127.0.0.1:9/a'], 'Name it: github://OWNER/REPO/.pratique', 2],
    ['a second word', ['tools', '--jsn'], 'INPUT_INVALID', 2],
  ])('%s', async (_, args, told, status) => {
    const ended = await cli(...args);
    expect(ended).toMatchObject({ status, err: expect.stringContaining(told) as string });
  });

  test('as JSON too', async () => {
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nfindngs: []\n');
    const { status, out } = await cli('policy', 'check', '--policy', '.', '--json');
    expect([status, JSON.parse(out)]).toMatchObject([2, { failure: { code: 'POLICY_INVALID', message: expect.stringContaining('policy.yaml:2:1 findngs') as string } }]);
  });
});

test('tools lists every program as JSON', async () => {
  const tools = JSON.parse((await cli('tools', '--json')).out) as { name: string }[];
  expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(['node', 'buildah', 'trivy', 'cosign']));
});

test('lab acr is an OCI registry by itself, and ends with a signal', async () => {
  const { child, text } = start(['lab', 'acr', '--http', '--anonymous', '--json', '--data', join(folder, 'registry')]);
  await once(child.stdout, 'data');
  const { url } = JSON.parse(text.out) as { url: string };
  const upload = await fetch(`${url}/v2/a/blobs/uploads/?digest=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a`, { method: 'POST', body: '{}' });
  expect(upload.status).toBe(201);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([0, null]);
});
