// SPDX-License-Identifier: Apache-2.0
// Where the cluster runs: namespaces of its own for network, mounts and processes. When its first process ends the kernel ends all others and takes away
// mounts, interfaces, routes and rules; the first process ends when this one does (its standard input closes). Only control groups outlive it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '@pratique/core';
import { makeControlGroup, removeControlGroup, removeStaleControlGroups } from './control-group.ts';
import { openLink, type Link } from './link.ts';
import { runProgram, type ProgramResult } from './program.ts';

/** Folder inside that everything of the cluster is written to; in memory. */
export const insideFolder = '/run/pratique-lab';

/** A place for processes that leave nothing behind. */
export interface Enclosure {
  readonly link: Link;
  /** Path below each hierarchy of control groups. */
  readonly controlGroup: string;
  /** Writes a file at a path as the processes inside see it. */
  write(path: string, content: string, mode?: number): Promise<void>;
  /** Runs a program inside to its end. */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>;
  /** Starts a program inside; both streams go to the file `log` outside. */
  start(file: string, args: readonly string[], log: string): Promise<ChildProcess>;
  /** Ends everything inside and removes the control groups. */
  close(): Promise<void>;
}

/** How a program is run inside. */
export interface RunOptions {
  /** Seconds; then it is killed. Default 30. */
  readonly timeoutSeconds?: number;
  readonly stdin?: string;
  /** Added to PATH alone. */
  readonly env?: Readonly<Record<string, string>>;
}

// What the kubelet would set for the whole machine is set in files of its own instead.
const kernelSettings = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'];

// /var/lib may hold programs that are needed, so it is covered by a layer; in /run and /var/log nothing is.
const preparation = `set -e
mount -t tmpfs -o mode=755 lab /run
mkdir -p ${insideFolder}/layer ${insideFolder}/work ${insideFolder}/kernel
mount -t tmpfs -o mode=755 lab /var/log
mount -t overlay -o lowerdir=/var/lib,upperdir=${insideFolder}/layer,workdir=${insideFolder}/work lab /var/lib
for name in ${kernelSettings.join(' ')}; do
  copy=${insideFolder}/kernel/$(echo $name | tr / .)
  cat /proc/sys/$name > $copy
  mount --bind $copy /proc/sys/$name
done
echo ready
exec cat > /dev/null`;

/** Opens the namespaces and the link into them. Fails with `LAB_CLUSTER_UNSUPPORTED` when the kernel or the rights do not allow it. */
export async function openEnclosure(): Promise<Enclosure> {
  await removeStaleControlGroups();
  // A group of its own: Ctrl-C in a terminal must not end it before an orderly stop.
  const outer = spawn('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'sh', '-c', preparation], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const ended = new Promise((resolve) => outer.once('close', resolve));
  const end = async (): Promise<void> => {
    outer.stdin.end();
    await ended;
  };
  try {
    await untilPrepared(outer);
    const first = await onlyChild(outer.pid ?? 0);
    const link = await openLink(first);
    const controlGroup = await makeControlGroup();
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await link.close();
      await end();
      await removeControlGroup(controlGroup);
    };
    return { link, controlGroup, close: () => (closing ??= close()), ...accessTo(first) };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

/** Host process id of the one child of a process. */
export async function onlyChild(parent: number): Promise<number> {
  return Number((await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')).trim().split(' ')[0]);
}

function accessTo(first: number): Pick<Enclosure, 'write' | 'run' | 'start'> {
  const enter = (file: string, args: readonly string[]): string[] => ['--target', String(first), '--net', '--mount', '--pid', '--', file, ...args];
  return {
    async write(path, content, mode = 0o600) {
      const outside = join(`/proc/${first}/root`, path);
      await mkdir(dirname(outside), { recursive: true });
      await writeFile(outside, content, { mode });
    },
    run: (file, args, options) => runProgram('nsenter', enter(file, args), { ...options, env: { PATH: programPath, ...options?.env } }),
    async start(file, args, log) {
      const output = await open(log, 'a');
      const child = spawn('nsenter', enter(file, args), { stdio: ['ignore', output.fd, output.fd], cwd: '/', detached: true, env: { PATH: programPath, HOME: insideFolder } });
      await once(child, 'spawn').finally(() => output.close());
      return child;
    },
  };
}

const programPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;

async function untilPrepared(outer: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream }): Promise<void> {
  let said = '';
  outer.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const ready = await Promise.race([once(outer.stdout, 'data').then(() => true), once(outer, 'close').then(() => false), once(outer, 'error').then(() => false)]);
  if (ready) return;
  throw new Failure({ code: 'LAB_CLUSTER_UNSUPPORTED', message: `namespaces for the cluster cannot be made: ${said.trim() || 'unshare cannot be started'}`, hint: 'Run it as root with all capabilities (docker run --privileged), or set KUBECONFIG to a cluster of your own.' });
}
