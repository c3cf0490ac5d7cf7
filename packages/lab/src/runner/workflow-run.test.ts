// SPDX-License-Identifier: Apache-2.0
// The runner on small workflows in a real git repository: order, outputs, conditions, called workflows, permissions, masking.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobRequest, WorkflowRunOptions } from './run.ts';
import { runWorkflow } from './workflow-run.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function repositoryWith(files: Readonly<Record<string, string>>): { folder: string; path: string; sha: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pratique-runner-'));
  folders.push(folder);
  const tree = join(folder, 'tree');
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), content);
  }
  const git = (...args: string[]): string => execFileSync('git', ['-C', tree, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  execFileSync('git', ['clone', '-q', '--bare', tree, join(folder, 'bare.git')]);
  return { folder, path: join(folder, 'bare.git'), sha: git('rev-parse', 'HEAD').trim() };
}

const workflowFile = '.github/workflows/release.yml';

function optionsFor(files: Readonly<Record<string, string>>, requests: JobRequest[] = []): WorkflowRunOptions {
  const repository = repositoryWith(files);
  return {
    repositoryPath: repository.path, repository: 'acme/app', ref: 'refs/tags/v1.2.0', sha: repository.sha, event: { name: 'push', payload: {} }, workflowFile,
    vars: { REGISTRY: 'r.example' }, actor: 'sam', runId: '7', actions: { 'pratique-dev/pratique': join(repository.folder, 'tree') }, apiUrl: 'https://api.example', serverUrl: 'https://github.example',
    issueJob: (job) => {
      requests.push(job);
      return Promise.resolve({ githubToken: 'ghs_notarealtoken', ...(job.permissions['id-token'] === 'write' ? { requestUrl: 'https://oidc.example/?x=1', requestToken: 'request-token-value' } : {}) });
    },
    folder: join(repository.folder, 'run'), machine: { PATH: process.env['PATH'] ?? '' },
  };
}

const gate = `
on:
  workflow_call:
    inputs: { image: { type: string, required: true } }
    outputs: { verdict: { value: '\${{ jobs.judge.outputs.verdict }}' } }
jobs:
  judge:
    runs-on: ubuntu-24.04
    environment: release
    permissions: { id-token: write, contents: write }
    outputs: { verdict: '\${{ steps.s.outputs.verdict }}' }
    steps: [{ id: s, run: 'echo "verdict=\${{ inputs.image }} judged" >> $GITHUB_OUTPUT' }]
`;

describe('a workflow', () => {
  test('carries outputs from job to job and through a called workflow, whose permissions the caller caps', async () => {
    const requests: JobRequest[] = [];
    const record = await runWorkflow(optionsFor({
      [workflowFile]: `
name: release
on: push
permissions: {}
jobs:
  gate:
    needs: build
    permissions: { id-token: write, contents: read }
    uses: ./.github/workflows/gate.yml
    with: { image: '\${{ needs.build.outputs.image }}' }
  build:
    runs-on: ubuntu-24.04
    outputs: { image: '\${{ steps.b.outputs.image }}' }
    steps:
      - uses: actions/checkout@v7
      - id: b
        run: |
          test -f ${workflowFile} && test -z "$ACTIONS_ID_TOKEN_REQUEST_URL"
          echo "image=\${{ vars.REGISTRY }}/app" >> $GITHUB_OUTPUT
  after: { needs: gate, runs-on: ubuntu-24.04, steps: [{ run: 'test "\${{ needs.gate.outputs.verdict }}" = "r.example/app judged"' }] }
`, '.github/workflows/gate.yml': gate,
    }, requests));
    expect(record.conclusion).toBe('success');
    expect(requests.map((job) => [job.job, job.jobWorkflowFile, job.environment, job.permissions])).toEqual([
      ['build', workflowFile, undefined, {}],
      ['gate/judge', '.github/workflows/gate.yml', 'release', { 'id-token': 'write', contents: 'read' }],
      ['after', workflowFile, undefined, {}],
    ]);
  });

  test.each([
    ['gives what was typed, and the default of what was not', { image: 'app@sha256:1' }, 'app@sha256:1 slow'],
    ['is refused without what is required', {}, 'missing image'],
    ['is refused with an input that it does not have', { image: 'x', imgae: 'y' }, 'unknown imgae'],
  ])('started by hand %s', async (_, inputs, told) => {
    const by = "on: { workflow_dispatch: { inputs: { image: { required: true, type: string }, pace: { default: slow, type: string } } } }\njobs: { a: { runs-on: x, outputs: { said: '${{ inputs.image }} ${{ inputs.pace }}' }, steps: [{ run: 'true' }] } }";
    const ended = runWorkflow({ ...optionsFor({ [workflowFile]: by }), event: { name: 'workflow_dispatch', payload: { inputs } } });
    expect(await ended.then(({ jobs }) => jobs[0]?.outputs['said'], (thrown: unknown) => String(thrown))).toContain(told);
  });

  test('runs a node24 action with its inputs, defaults and summary, and hides what it masks', async () => {
    const record = await runWorkflow(optionsFor({
      [workflowFile]: `
on: push
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - { id: a, uses: pratique-dev/pratique/actions/echo@v1, with: { first: 'x' } }
      - { run: exit 3 }
      - { id: no, run: 'exit 0' }
      - { id: late, if: 'failure()', run: 'exit 0' }
`,
      'actions/echo/action.yml': "name: echo\ninputs: { first: { required: true }, second: { default: '${{ github.token }}' } }\nruns: { using: node24, main: dist/index.js }\n",
      'actions/echo/dist/index.js': `const fs = require('fs'); console.log('::add-mask::hidden-value'); console.log('saw hidden-value and ' + process.env['INPUT_SECOND']);
fs.appendFileSync(process.env.GITHUB_OUTPUT, 'got<<E\\n' + process.env.INPUT_FIRST + '\\nE\\n'); fs.appendFileSync(process.env.GITHUB_STEP_SUMMARY, '# hi');`,
    }));
    const steps = record.jobs[0]?.steps ?? [];
    expect(record.conclusion).toBe('failure');
    expect(steps.map((step) => [step.conclusion, step.exitCode])).toEqual([['success', 0], ['failure', 3], ['skipped', undefined], ['success', 0]]);
    expect(steps[0]).toMatchObject({ outputs: { got: 'x' }, summary: '# hi', log: ['saw *** and ***'] });
  });

  test('uploads SARIF with the token of the job, and fails with what code scanning says of it', async () => {
    const asked: string[] = [];
    const answering = (status: string): typeof fetch => async (input, init) => {
      const { commit_sha: sha, ref } = init?.method === 'POST' ? JSON.parse(String(init.body)) as Record<string, string> : {};
      asked.push(`${init?.method ?? 'GET'} ${String(input)} ${new Headers(init?.headers).get('authorization') ?? ''} ${ref ?? ''} ${sha?.length ?? ''}`.trim());
      return Promise.resolve(Response.json(init?.method === 'POST' ? { id: '5' } : { processing_status: status, errors: status === 'failed' ? ['too many runs'] : null }));
    };
    const files = { 'found.sarif': '{}', [workflowFile]: 'on: push\njobs: { a: { runs-on: x, permissions: { security-events: write }, steps: [{ uses: actions/checkout@v7 }, { id: up, uses: github/codeql-action/upload-sarif@v4, with: { sarif_file: found.sarif } }] } }' };
    const done = await runWorkflow({ ...optionsFor(files), fetch: answering('complete') });
    expect(done.jobs[0]?.steps[1]).toMatchObject({ conclusion: 'success', outputs: { 'sarif-id': '5' } });
    expect(asked).toEqual(['POST https://api.example/repos/acme/app/code-scanning/sarifs Bearer ghs_notarealtoken refs/tags/v1.2.0 40', 'GET https://api.example/repos/acme/app/code-scanning/sarifs/5 Bearer ghs_notarealtoken']);
    const failed = await runWorkflow({ ...optionsFor(files), fetch: answering('failed') });
    expect(failed.jobs[0]?.steps[1]).toMatchObject({ conclusion: 'failure', annotations: [{ level: 'error', message: expect.stringContaining('too many runs') as string }] });
  });

  test.each([
    ['a key that GitHub does not know', 'on: push\njobs: { a: { runs-on: x, stps: [] } }', 'stps'],
    ['a matrix', 'on: push\njobs: { a: { runs-on: x, strategy: { matrix: { a: [1] } }, steps: [{ run: "true" }] } }', 'strategy'],
    ['a foreign action', 'on: push\njobs: { a: { runs-on: x, steps: [{ uses: some/action@v1 }] } }', 'some/action@v1'],
  ])('is refused by name for %s', async (_, content, named) => {
    await expect(runWorkflow(optionsFor({ [workflowFile]: content }))).rejects.toMatchObject({ code: 'LAB_WORKFLOW_INVALID', message: expect.stringContaining(named) as string });
  });
});
