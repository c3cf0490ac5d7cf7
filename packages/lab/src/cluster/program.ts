// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end, with a limit of time.
import { execFile } from 'node:child_process';

/** How it ended: a killed one and one that cannot be started have exit code 1 and say so in `stderr`. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Default limit 30 seconds, 16 MiB of output. */
export function runProgram(file: string, args: readonly string[], options: { readonly timeoutSeconds?: number; readonly stdin?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<ProgramResult> {
  const { timeoutSeconds = 30, stdin = '', env } = options;
  return new Promise((resolve) => {
    const child = execFile(file, args, { cwd: '/', timeout: timeoutSeconds * 1000, maxBuffer: 16 * 2 ** 20, ...(env ? { env } : {}) }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr: stderr || (error?.message ?? '') });
    });
    child.stdin?.on('error', () => child.stdin?.destroy()).end(stdin);
  });
}
