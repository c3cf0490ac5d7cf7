// SPDX-License-Identifier: Apache-2.0
// Stand-ins for the public actions that a workflow may use and that cannot be fetched here: checkout, upload-artifact, download-artifact, upload-sarif.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { isJsonObject } from '@pratique/core';

const run = promisify(execFile);

/** What a built-in action may touch. */
export interface BuiltinContext {
  readonly workspace: string;
  /** Bare repository that `checkout` clones. */
  readonly repository: string;
  readonly sha: string;
  /** Folder of the artifacts of this workflow run. */
  readonly artifacts: string;
  /** `owner/name`, ref, token and address of the API, as the job has them. */
  readonly job: { readonly repository: string; readonly ref: string; readonly token: string; readonly apiUrl: string };
  readonly fetch: typeof fetch;
  readonly log: (line: string) => void;
}

type Builtin = (inputs: Readonly<Record<string, string>>, context: BuiltinContext) => Promise<Record<string, string>>;

const checkout: Builtin = async (inputs, context) => {
  const target = resolve(context.workspace, inputs['path'] || '.');
  const commit = inputs['ref'] || context.sha;
  await mkdir(target, { recursive: true });
  await run('git', ['clone', '--quiet', '--no-hardlinks', context.repository, target]);
  await run('git', ['-c', 'advice.detachedHead=false', 'checkout', '--quiet', commit], { cwd: target });
  const { stdout } = await run('git', ['rev-parse', 'HEAD'], { cwd: target });
  context.log(`checked out ${stdout.trim()}`);
  return { commit: stdout.trim(), ref: commit };
};

const uploadArtifact: Builtin = async (inputs, context) => {
  const name = inputs['name'] || 'artifact';
  const target = join(context.artifacts, name);
  await mkdir(target);
  for (const line of (inputs['path'] ?? '').split('\n').map((one) => one.trim()).filter(Boolean)) {
    const source = resolve(context.workspace, line);
    const folder = (await stat(source)).isDirectory();
    await cp(source, folder ? target : join(target, basename(source)), { recursive: true, filter: (path) => path === source || !basename(path).startsWith('.') });
  }
  context.log(`uploaded artifact ${name}`);
  return { 'artifact-id': name };
};

const downloadArtifact: Builtin = async (inputs, context) => {
  const target = resolve(context.workspace, inputs['path'] || '.');
  await cp(join(context.artifacts, inputs['name'] ?? ''), target, { recursive: true });
  context.log(`downloaded artifact ${inputs['name'] ?? ''}`);
  return { 'download-path': target };
};

/** A file at a time; waits for GitHub's answer to it, as the real one does by default. */
const uploadSarif: Builtin = async (inputs, { workspace, sha, job, fetch: send, log }) => {
  const sarif = gzipSync(await readFile(resolve(workspace, inputs['sarif_file'] ?? ''))).toString('base64');
  const headers = { authorization: `Bearer ${job.token}`, accept: 'application/vnd.github+json' };
  const call = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
    const reply = await send(`${job.apiUrl}/repos/${job.repository}/code-scanning/sarifs${path}`, { ...init, headers });
    const body: unknown = await reply.json();
    if (!reply.ok || !isJsonObject(body)) throw new Error(`code scanning answered ${reply.status}: ${JSON.stringify(body)}`);
    return body;
  };
  const { id } = await call('', { method: 'POST', body: JSON.stringify({ commit_sha: inputs['sha'] || sha, ref: inputs['ref'] || job.ref, sarif }) });
  const { processing_status: status, errors } = await call(`/${String(id)}`);
  if (status !== 'complete') throw new Error(`code scanning could not process the file: ${JSON.stringify(errors)}`);
  log(`uploaded ${inputs['sarif_file'] ?? ''}`);
  return { 'sarif-id': String(id) };
};

/** By `owner/name` as in `uses:`; the reference behind @ is not looked at. */
export const builtinActions: Readonly<Record<string, Builtin>> = {
  'actions/checkout': checkout,
  'actions/upload-artifact': uploadArtifact,
  'actions/download-artifact': downloadArtifact,
  'github/codeql-action/upload-sarif': uploadSarif,
};
