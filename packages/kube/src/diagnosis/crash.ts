// SPDX-License-Identifier: Apache-2.0
// Why a container ended, from its exit code, its reason, and what the kubelet did to it.
import type { DiagnosisCode } from './finding.ts';

/** How a container ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly reason: string;
  readonly signal: number | undefined;
  /** Memory limit as the pod has it, `''` for none. */
  readonly memoryLimit: string;
  /** The event that says that the liveness or startup probe failed, `''` for none. */
  readonly probeEvent: string;
}

const signals: Readonly<Record<number, string>> = { 1: 'SIGHUP', 2: 'SIGINT', 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 15: 'SIGTERM' };

/** Explains it. Exit codes over 128 are 128 + signal; 126 and 127 come from the runtime or a shell. */
export function explainCrash({ exitCode, reason, signal, memoryLimit, probeEvent }: ContainerEnd): { readonly code: DiagnosisCode; readonly cause: string; readonly mend: string } {
  if (reason === 'OOMKilled') {
    return { code: 'CRASH_OUT_OF_MEMORY', cause: `it used more memory than its limit${memoryLimit === '' ? '' : ` of ${memoryLimit}`} and was killed`, mend: 'Raise resources.limits.memory, or let the program use less (heap settings of its runtime).' };
  }
  if (probeEvent !== '') {
    return { code: 'CRASH_LIVENESS', cause: 'the kubelet ended it because its liveness or startup probe failed', mend: 'Check path and port of the probe against what the program listens on; give a slow start a startupProbe with failureThreshold × periodSeconds as long as it takes.' };
  }
  if (exitCode === 126 || exitCode === 127 || reason === 'StartError' || reason === 'ContainerCannotRun') {
    return { code: 'CRASH_ENTRYPOINT', cause: exitCode === 126 ? 'its command is there but cannot be executed' : 'its command was not found in the image', mend: 'Compare command and args of the container with ENTRYPOINT and CMD of the image; in an image without a shell, use the list form.' };
  }
  const by = signal ?? (exitCode > 128 ? exitCode - 128 : undefined);
  if (by === 11) return { code: 'CRASH_SEGFAULT', cause: 'it touched memory that is not its own (SIGSEGV)', mend: 'A fault in native code, or an image for another libc or processor: try the image on the same architecture.' };
  if (by !== undefined) return { code: 'CRASH_SIGNAL', cause: `it was ended by ${signals[by] ?? `signal ${by}`}`, mend: by === 9 ? 'Something killed it: look for memory pressure of the node (kubectl describe node), or a grace period that is too short.' : 'Its log tells what it did before.' };
  return { code: 'CRASH_EXIT', cause: exitCode === 0 ? 'it ended by itself, with success: a server should not' : `it ended by itself with exit code ${exitCode}`, mend: exitCode === 0 ? 'Let its command run in the foreground.' : 'Its log has the reason.' };
}
