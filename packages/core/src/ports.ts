// SPDX-License-Identifier: Apache-2.0
// `ctx`: everything a step may touch. Each port has at most three methods; hosts and tests implement them.
import type { Digest } from './image.ts';

/** A program to run. Never a shell string. */
export interface Command {
  /** Absolute path, or a name to be found on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the clean environment that the host gives to every child (no tokens, no INPUT_*). */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is closed afterwards; without it, standard input is empty. */
  readonly stdin?: string;
  /** The child and its children are ended after this. Default 600. */
  readonly timeoutSeconds?: number;
  /** Called for each line of both streams as it comes, control characters and workflow commands already neutralised. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  /** 0-255; 128 + signal number when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs programs. Fails with `TOOL_MISSING`, `TOOL_TIMEOUT`; a non-zero exit code is a result, not a failure. */
export interface Exec {
  run(command: Command): Promise<CommandResult>;
}

/** A program that was found: where, which version, and where it came from. */
export interface LocatedTool {
  readonly name: string;
  readonly path: string;
  readonly version: string;
  readonly origin: 'path' | 'cache' | 'download' | 'build';
}

/** Finds programs (PATH with version check, tool cache, verified download). Fails with `TOOL_MISSING`, `TOOL_UNVERIFIED`. */
export interface Tools {
  locate(name: string): Promise<LocatedTool>;
}

export interface OpenedFile {
  readonly kind: 'file';
  /** Bytes. */
  readonly size: number;
  bytes(): Promise<Uint8Array>;
  /** From `start` (default 0) to the end, in chunks. */
  stream(start?: number): ReadableStream<Uint8Array>;
}

export interface OpenedFolder {
  readonly kind: 'folder';
  /** Names, sorted, not recursive. */
  readonly entries: readonly string[];
}

/** The file system. Relative paths start at the workspace. */
export interface Files {
  /** `undefined` when nothing is there. */
  open(path: string): Promise<OpenedFile | OpenedFolder | undefined>;
  /** Writes beside, then renames: a reader sees the old content or the new, never half. Folders are made. */
  write(path: string, content: string | Uint8Array | ReadableStream<Uint8Array>): Promise<void>;
  /** Removes a file or a whole folder; nothing there is no error. */
  remove(path: string): Promise<void>;
}

export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when aborted. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Notice {
  readonly level: 'notice' | 'warning' | 'error';
  readonly title: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
}

/** What people read while a step runs. Everything goes through the redactor and is stripped of workflow commands. */
export interface Log {
  line(text: string): void;
  notice(notice: Notice): void;
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
}

/** Who changed what, and in which run this happens. */
export interface RunEvent {
  /** `github.com`, `dev.azure.com`, or `terminal`. */
  readonly host: string;
  /** `push`, `pull_request`, `workflow_dispatch`, …; `manual` in a terminal. */
  readonly name: string;
  readonly repository: { readonly uri: string; readonly id: string; readonly owner: string; readonly name: string };
  readonly commit: string;
  /** Full ref: `refs/heads/main`, `refs/tags/v1.2.0`. */
  readonly ref: string;
  readonly change?: { readonly number: number; readonly headSha: string; readonly fork: boolean };
  readonly run: { readonly uri: string; readonly id: string; readonly attempt: number };
  readonly actor: string;
}

/** GitHub's REST API with the token of the run. Fails with `GITHUB_*` codes. */
export interface GitHubApi {
  /** `route` as in octokit: `GET /repos/{owner}/{repo}/contents/{path}`. A status in `accept` is a reply, not a failure. */
  request(route: string, parameters: Readonly<Record<string, unknown>>, accept?: readonly number[]): Promise<GitHubReply>;
}

export interface GitHubReply {
  readonly status: number;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** How to speak TLS with one server that has an authority of its own. PEM; what is absent is as for any server. */
export interface TlsSettings {
  /** The only authorities that are trusted for this server. Default: those of the machine. */
  readonly authorities?: string;
  /** What this side shows, with its key. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** The name that the server's certificate must have. Default: the host of the URL. */
  readonly serverName?: string;
}

/** The world of a step. */
export interface Context {
  readonly exec: Exec;
  readonly tools: Tools;
  readonly fetch: typeof fetch;
  /** A fetch with TLS settings of its own, for one server. It follows no redirect. */
  fetchOver(tls: TlsSettings): typeof fetch;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly github: GitHubApi;
  /** An OIDC token for `audience`. Fails with `IDENTITY_UNAVAILABLE`; the hint names the missing permission. */
  identity(audience: string): Promise<string>;
  /** From now on this string is hidden in all output. */
  mask(secret: string): void;
  /** Value of a variable that a step's contract names (for build secrets and static credentials); `undefined` when unset. */
  secret(name: string): string | undefined;
  readonly event: RunEvent;
  readonly signal: AbortSignal;
  /** Absolute path of the folder at which relative paths start. */
  readonly workspace: string;
  /** A folder of this run alone, outside the workspace, removed by the host at the end. */
  readonly scratch: string;
}

/** Hashes bytes as a digest. Pure, but lives with the ports because it awaits WebCrypto. */
export async function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Promise<Digest> {
  const hash = await crypto.subtle.digest(algorithm === 'sha256' ? 'SHA-256' : 'SHA-512', bytes as Uint8Array<ArrayBuffer>);
  return `${algorithm}:${Buffer.from(hash).toString('hex')}`;
}
