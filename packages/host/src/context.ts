// SPDX-License-Identifier: Apache-2.0
// The whole `ctx` on this machine, for hosts, the CLI and tests that need real programs and files.
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { addSecret, type Clock, type Context, type Exec, type GitHubApi, type Log, type RunEvent, type TlsSettings, type Tools } from '@pratique/core';
import { systemClock } from './clock.ts';
import { createChildEnvironment, type Environment } from './environment.ts';
import { readGitHubEvent, readTerminalEvent } from './event.ts';
import { createFiles } from './files.ts';
import { createGitHubApi } from './github-api.ts';
import { createTextLog } from './log.ts';
import { requestTerminalIdentity } from './terminal-identity.ts';
import { createTools } from './tools.ts';

/** What of the real machine is replaced, or limited. Everything is optional. */
export interface NodeContextOptions {
  /** Relative paths start here. Default: the working folder. */
  readonly workspace?: string;
  /** Default: `process.env`. Children see an allow list of it; `ctx.secret` reads from it. */
  readonly env?: Environment;
  /** Receives each clean line. Default: standard error. */
  readonly print?: (line: string) => void;
  /** Instead of `print`. */
  readonly log?: Log;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly exec?: Exec;
  readonly tools?: Tools;
  readonly github?: GitHubApi;
  /** For GitHub. Default: `GITHUB_TOKEN` of `env`. */
  readonly token?: string | undefined;
  /** Default: the GitHub run of `env` when there is one, else what git says. */
  readonly event?: RunEvent;
  /** Default: that of the job which `env` belongs to; outside a job it fails with `IDENTITY_UNAVAILABLE`. */
  readonly identity?: (audience: string) => Promise<string>;
  /** Told of each secret beside the redactor. */
  readonly mask?: (secret: string) => void;
  readonly signal?: AbortSignal;
}

/** A `Context` that must be closed: its scratch folder is removed. `await using` does it. */
export interface NodeContext extends Context, AsyncDisposable {
  close(): Promise<void>;
}

/** Builds the full context on this machine. */
export async function createNodeContext(options: NodeContextOptions = {}): Promise<NodeContext> {
  const env = options.env ?? process.env;
  const workspace = resolve(options.workspace ?? process.cwd());
  const signal = options.signal ?? new AbortController().signal;
  const scratch = await mkdtemp(join(await realpath(env['RUNNER_TEMP'] || tmpdir()), 'pratique-'));
  const log = options.log ?? createTextLog(options.print ?? ((line) => process.stderr.write(`${line}\n`)));
  const clock = options.clock ?? systemClock;
  const fetch = options.fetch ?? globalThis.fetch;
  const exec = options.exec ?? (await openExec({ workspace, signal, environment: createChildEnvironment(env, scratch) }));
  const mask = (secret: string): void => {
    addSecret(secret);
    options.mask?.(secret);
  };
  const event = options.event ?? (env['GITHUB_REPOSITORY'] ? await readGitHubEvent(env) : await readTerminalEvent(exec, env));
  const close = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  return {
    exec, fetch, fetchOver: (tls) => openTlsFetch(tls, env), clock, log, event, signal, workspace, scratch, mask, close,
    files: createFiles(workspace),
    tools: options.tools ?? createTools({ env, exec, fetch, clock, signal, scratch, say: log.line }),
    github: options.github ?? createGitHubApi({ env, token: options.token ?? env['GITHUB_TOKEN'], fetch, clock, signal }),
    identity: options.identity ?? ((audience) => requestTerminalIdentity(env, audience, fetch)),
    secret: (name) => readSecret(env, name, mask),
    [Symbol.asyncDispose]: close,
  };
}

// @actions/exec is loaded here and not above: a start that fails at its inputs needs none of it.
async function openExec(options: Parameters<typeof import('./exec.ts')['createExec']>[0]): Promise<Exec> {
  const { createExec } = await import('./exec.ts');
  return createExec(options);
}

// node:https is loaded at the first call: most runs speak with no server that has an authority of its own.
function openTlsFetch(tls: TlsSettings, env: Environment): typeof fetch {
  let opened: Promise<typeof fetch> | undefined;
  return async (input, init) => {
    opened ??= import('./tls-fetch.ts').then(({ createTlsFetch }) => createTlsFetch(tls, env));
    return (await opened)(input, init);
  };
}

function readSecret(env: Environment, name: string, mask: (secret: string) => void): string | undefined {
  const value = env[name] || undefined;
  if (value !== undefined) mask(value);
  return value;
}
