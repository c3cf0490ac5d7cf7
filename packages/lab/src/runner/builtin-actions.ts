// SPDX-License-Identifier: Apache-2.0
// Stand-ins for the public actions that a workflow may use and that cannot be fetched here: checkout, upload-artifact, download-artifact.
import { execFile } from 'node:child_process';
import { cp, mkdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a built-in action may touch. */
export interface BuiltinContext {
  readonly workspace: string;
  /** Bare repository that `checkout` clones. */
  readonly repository: string;
  readonly sha: string;
  /** Folder of the artifacts of this workflow run. */
  readonly artifacts: string;
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

/** By `owner/name` as in `uses:`; the reference behind @ is not looked at. */
export const builtinActions: Readonly<Record<string, Builtin>> = {
  'actions/checkout': checkout,
  'actions/upload-artifact': uploadArtifact,
  'actions/download-artifact': downloadArtifact,
};
