// SPDX-License-Identifier: Apache-2.0
// Who changed what, in which run: from GitHub's variables and event payload, or from git in a terminal.
import { readFile } from 'node:fs/promises';
import { isJsonObject, parseJsonObject, type Exec, type JsonObject, type RunEvent } from '@pratique/core';
import type { Environment } from './environment.ts';

/** Reads the event of a GitHub run (docs.github.com, "Variables reference", and the webhook payload in `GITHUB_EVENT_PATH`). */
export async function readGitHubEvent(env: Environment): Promise<RunEvent> {
  const payload = env['GITHUB_EVENT_PATH'] ? parseJsonObject(await readFile(env['GITHUB_EVENT_PATH'], 'utf8'), 'the event payload (GITHUB_EVENT_PATH)', 'INTERNAL_DEFECT') : {};
  const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
  const slug = env['GITHUB_REPOSITORY'] ?? '';
  const [owner = '', name = ''] = slug.split('/');
  const run = env['GITHUB_RUN_ID'] ?? '';
  const change = readChange(payload);
  return {
    host: new URL(server).host,
    name: env['GITHUB_EVENT_NAME'] ?? 'manual',
    repository: { uri: `${server}/${slug}`, id: env['GITHUB_REPOSITORY_ID'] ?? '', owner, name },
    commit: env['GITHUB_SHA'] ?? '',
    ref: env['GITHUB_REF'] ?? '',
    ...(change === undefined ? {} : { change }),
    run: { uri: `${server}/${slug}/actions/runs/${run}`, id: run, attempt: Number(env['GITHUB_RUN_ATTEMPT'] ?? '1') },
    actor: env['GITHUB_ACTOR'] ?? '',
  };
}

/** The pull request of a payload. A head repository that is gone, or is not the base, is a fork. */
export function readChange(payload: JsonObject): RunEvent['change'] {
  const pull = payload['pull_request'];
  if (!isJsonObject(pull) || typeof pull['number'] !== 'number') return undefined;
  const head = isJsonObject(pull['head']) ? pull['head'] : {};
  const base = isJsonObject(pull['base']) ? pull['base'] : {};
  const headId = isJsonObject(head['repo']) ? head['repo']['id'] : undefined;
  const baseId = isJsonObject(base['repo']) ? base['repo']['id'] : undefined;
  return { number: pull['number'], headSha: typeof head['sha'] === 'string' ? head['sha'] : '', fork: headId === undefined || headId !== baseId };
}

/** The event of a terminal: what git says about the folder; empty strings where it says nothing. */
export async function readTerminalEvent(exec: Exec, env: Environment): Promise<RunEvent> {
  const ask = async (...args: string[]): Promise<string> => {
    const result = await exec.run({ file: 'git', args, timeoutSeconds: 10 });
    return result.exitCode === 0 ? result.stdout.trim() : '';
  };
  const [commit, branch, tag, remote] = await Promise.all([
    ask('rev-parse', 'HEAD'), ask('symbolic-ref', '--quiet', 'HEAD'), ask('describe', '--tags', '--exact-match'), ask('config', '--get', 'remote.origin.url'),
  ]).catch((): string[] => ['', '', '', '']);
  const uri = webAddress(remote ?? '');
  const [owner = '', name = ''] = uri.split('/').slice(-2);
  return {
    host: 'terminal', name: 'manual',
    repository: { uri, id: '', owner, name },
    commit: commit ?? '',
    ref: tag ? `refs/tags/${tag}` : (branch ?? ''),
    run: { uri: '', id: 'terminal', attempt: 1 },
    actor: env['USER'] ?? env['LOGNAME'] ?? '',
  };
}

/** `https://host/owner/name` of a git remote, without user-info and `.git`. */
export function webAddress(remote: string): string {
  const scp = /^[\w.-]+@([\w.-]+):(.+)$/.exec(remote);
  const address = scp ? `https://${scp[1]}/${scp[2]}` : remote.replace(/^ssh:\/\//, 'https://').replace(/^(https?:\/\/)[^/@]*@/, '$1');
  return address.replace(/\.git\/?$/, '');
}
