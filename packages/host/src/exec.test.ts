// SPDX-License-Identifier: Apache-2.0
// Real processes: what they see, what comes back, and that none is left.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addSecret, Failure } from '@pratique/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createChildEnvironment } from './environment.ts';
import { createExec } from './exec.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exec-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (env: Record<string, string> = {}, signal = new AbortController().signal) => createExec({ workspace: folder, signal, environment: createChildEnvironment({ PATH: process.env['PATH'], ...env }, folder) });
// An ended process that nobody has waited for yet is listed with state Z.
const isRunning = (pid: number): boolean => /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]).stdout.toString());

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  if (thrown instanceof Failure) return thrown;
  throw new Error(`expected a Failure, got ${String(thrown)}`);
}

describe('exec', () => {
  test('both streams and the exit code come back', async () => {
    expect(await open().run({ file: 'sh', args: ['-c', 'echo out; echo err >&2; exit 7'] })).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  test('arguments reach the program as they are, in a folder with spaces and quotes too', async () => {
    const program = join(folder, 'a "b" \\ c.sh');
    await writeFile(program, '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    expect((await open().run({ file: program, args: ['a b', '$(id)', '"', ''] })).stdout).toBe('a b|$(id)|"||');
  });

  test('a child that a signal ended has 128 and its number', async () => {
    expect((await open().run({ file: 'sh', args: ['-c', 'kill -9 $$'] })).exitCode).toBe(137);
  });

  test('standard input is empty, or what is given', async () => {
    expect((await open().run({ file: 'cat', args: [], timeoutSeconds: 5 })).stdout).toBe('');
    expect((await open().run({ file: 'cat', args: [], stdin: 'line\n' })).stdout).toBe('line\n');
  });

  test('a child may leave its input unread', async () => {
    expect((await open().run({ file: 'true', args: [], stdin: 'x'.repeat(4_000_000) })).exitCode).toBe(0);
  });

  test('no token, no input and nothing unknown reaches a child', async () => {
    const env = { HOME: '/home/x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't', ACTIONS_RUNTIME_TOKEN: 't', INPUT_IMAGE: 'i', GITHUB_TOKEN: 't', AZURE_CLIENT_SECRET: 's', NODE_OPTIONS: '--x' };
    const { stdout } = await open(env).run({ file: 'env', args: [], env: { EXTRA: 'yes' } });
    expect(stdout).toContain('HOME=/home/x');
    expect(stdout).toContain('EXTRA=yes');
    expect(stdout).not.toMatch(/TOKEN|INPUT_|SECRET|NODE_OPTIONS/);
  });

  test('lines come clean: no secret, no workflow command, no colour', async () => {
    addSecret('hunter2-hunter2');
    const lines: string[] = [];
    await open().run({ file: 'printf', args: ['::error::x\\n\\033[31mred\\033[0m\\rprogress\\npassword hunter2-hunter2'], onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['\u200b::error::x', 'red', 'progress', 'password ***']);
  });

  test('a program that is not there is a failure that names it', async () => {
    const failure = await failureOf(open().run({ file: 'no-such-program', args: [] }));
    expect(failure.code).toBe('TOOL_MISSING');
    expect(failure.message).toContain('no-such-program');
  });

  test('the working folder is no place for programs', async () => {
    await writeFile(join(folder, 'evil'), '#!/bin/sh\n', { mode: 0o755 });
    expect((await failureOf(open({ PATH: `:.:${process.env['PATH']}` }).run({ file: 'evil', args: [] }))).code).toBe('TOOL_MISSING');
  });

  test('when time is up the whole group ends, and its last lines are kept', async () => {
    const failure = await failureOf(open().run({ file: 'sh', args: ['-c', `sleep 60 & echo $! > ${folder}/pid; echo last words; wait`], timeoutSeconds: 1 }));
    expect(failure.code).toBe('TOOL_TIMEOUT');
    expect(failure.facts['lastLines']).toEqual(['last words']);
    expect(isRunning(Number(await readFile(join(folder, 'pid'), 'utf8')))).toBe(false);
  });

  test('a cancelled run interrupts the child, which may clean up', async () => {
    const controller = new AbortController();
    const reason = new Failure({ code: 'CANCELLED', message: 'stop' });
    const running = open({}, controller.signal).run({ file: 'sh', args: ['-c', `trap 'echo cleaned > ${folder}/clean; exit 0' INT; echo up; while :; do sleep 0.05; done`], onLine: () => controller.abort(reason) });
    expect(await failureOf(running)).toBe(reason);
    expect(await readFile(join(folder, 'clean'), 'utf8')).toBe('cleaned\n');
  });
});
