// SPDX-License-Identifier: Apache-2.0
// A step as an action in a process of its own, with the variables and files of a runner.
import { spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fitSummary, readGivenInputs } from './github-files.ts';
import { testStep } from './step.fixture.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'github-test-'));
  for (const name of ['output', 'summary']) await writeFile(join(folder, name), '');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Run {
  readonly status: number | null;
  readonly log: string;
  readonly outputs: string;
  readonly summary: string;
}

function act(env: Record<string, string>, onOutput: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined): Promise<Run> {
  const runner = { PATH: process.env['PATH'] ?? '', GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary'), GITHUB_WORKSPACE: folder, GITHUB_REPOSITORY: 'contoso/web', RUNNER_TEMP: folder };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'step.fixture.ts')], { env: { ...runner, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const take = (chunk: Buffer): void => {
    log += chunk.toString();
    onOutput(log, (signal) => child.kill(signal));
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      Promise.all([readFile(join(folder, 'output'), 'utf8'), readFile(join(folder, 'summary'), 'utf8')]).then(([outputs, summary]) => resolve({ status, log, outputs, summary }), reject);
    });
  });
}

describe('a step on GitHub', () => {
  test('that ends well: outputs, summary, clean log, no scratch folder left', async () => {
    const run = await act({ INPUT_END: 'well', 'INPUT_WAIT-SECONDS': '' });
    expect(run.status).toBe(0);
    expect(run.outputs).toMatch(/^text<<(ghadelimiter_\S+)\ntwo\nlines\n\1\nunset<<(ghadelimiter_\S+)\n\n\2\n$/);
    expect(run.summary).toBe('# Summary\n\n');
    expect(run.log).toContain('::warning title=Careful,file=a.txt,line=3::of, this: 100%25');
    expect(run.log).not.toMatch(/^::error/m);
    await expect(access(/scratch (\S+)/.exec(run.log)?.[1] ?? '')).rejects.toThrow('ENOENT');
  });

  test('that refuses: outputs and summary all the same, status 3', async () => {
    const run = await act({ INPUT_END: 'refused', GITHUB_ACTION_REPOSITORY: 'pratique/pratique', GITHUB_ACTION_REF: 'v1' });
    expect(run.status).toBe(3);
    expect(run.outputs).toContain('two\nlines');
    expect(run.summary).toContain('# Summary');
    expect(run.log).toContain('::error title=GATE_REFUSED::it may not pass%0AMend it.%0Ahttps://github.com/pratique/pratique/blob/v1/docs/errors.md#gate_refused');
  });

  test('that fails: one annotation, details in a group, nothing secret, status of the kind', async () => {
    const run = await act({ INPUT_END: 'failed' });
    expect(run.status).toBe(2);
    expect(run.log.match(/^::error/gm)).toHaveLength(1);
    expect(run.log).toMatch(/::group::REGISTRY_FORBIDDEN: details\npassword: \*\*\*\nrepository: web\nbecause Error: outer\nbecause Error: inner\n::endgroup::/);
    expect(run.summary).toContain('REGISTRY_FORBIDDEN');
  });

  test('that fails with something to show: outputs and its own summary, status of the kind', async () => {
    const run = await act({ INPUT_END: 'failed late' });
    expect(run.status).toBe(2);
    expect(run.outputs).toContain('two\nlines');
    expect(run.summary).toBe('# Summary\n\n');
    expect(run.log).toContain('::error title=REGISTRY_FORBIDDEN::no push%0AAssign a role.');
  });

  test('that says too much: ten annotations of a level, the end among them, what to do uncut', async () => {
    const run = await act({ INPUT_END: 'flood' });
    expect(run.log.match(/^::warning/gm)).toHaveLength(10);
    expect(run.log).toContain('warning: Careful: number 11');
    const errors = run.log.split('\n').filter((line) => line.startsWith('::error'));
    expect(errors).toHaveLength(10);
    expect(errors.at(-1)).toMatch(/^::error title=GATE_REFUSED::.*%0A… the rest stands in the summary%0AMend it\.%0Adocs\/errors\.md#gate_refused$/);
    expect(Math.max(...errors.map((line) => line.replace(/^::error[^:]*::/, '').replaceAll('%0A', '\n').length))).toBeLessThan(4096);
  });

  test('all wrong inputs are told together, with the nearest name', async () => {
    const run = await act({ INPUT_ENDE: 'well', 'INPUT_WAIT-SECONDS': 'soon' });
    expect(run.status).toBe(2);
    expect(run.log).toContain('ende: there is no such input; did you mean end?');
    expect(run.log).toContain('end: is required');
    expect(run.log).toContain('wait-seconds: must be a whole number');
  });

  test('that is cancelled says so in time', async () => {
    let killed = false;
    const run = await act({ INPUT_END: 'never' }, (log, kill) => {
      if (!killed && log.includes('Careful')) kill('SIGINT');
      killed ||= log.includes('Careful');
    });
    expect(run.status).toBe(4);
    expect(run.log).toContain('::error title=CANCELLED::');
  });

  test('its token is masked', async () => {
    expect((await act({ INPUT_END: 'well', 'INPUT_GITHUB-TOKEN': 'abcdefghij' })).log).toContain('::add-mask::abcdefghij');
  });

  test('without the permission no identity is asked for', async () => {
    const run = await act({ INPUT_END: 'identity' });
    expect(run.status).toBe(4);
    expect(run.log).toContain('permissions: id-token: write');
  });

  test('an identity is asked for with the audience, and masked', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`);
      response.setHeader('content-type', 'application/json').end('{"value":"the-id-token"}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const run = await act({ INPUT_END: 'identity', ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?v=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token' });
    server.close();
    expect(run.status).toBe(0);
    expect(asked).toEqual(['/token?v=2&audience=sigstore Bearer request-token']);
    expect(run.log).toContain('::add-mask::the-id-token');
  });
});

test('inputs come under the names of the contract', () => {
  expect(readGivenInputs({ 'INPUT_WAIT-SECONDS': '5', INPUT_END: 'well', INPUT_OTHER_THING: 'x', HOME: '/' }, testStep.inputs)).toEqual({ 'wait-seconds': '5', end: 'well', other_thing: 'x' });
});

describe('a summary', () => {
  test('within the budget is written as it is', () => {
    expect(fitSummary('a\n', 100)).toBe('a\n');
  });

  test('over the budget is cut at a line and says so', () => {
    const fitted = fitSummary('ä'.repeat(50).concat('\n').repeat(10), 500);
    expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(500);
    expect(fitted).toMatch(/^(ä{50}\n){3}\n\n\*\*The summary was longer than GitHub shows: 7 lines are left out\. The outputs/);
  });
});
