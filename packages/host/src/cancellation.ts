// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM become an aborted signal; a step that does not heed it is left behind before the runner kills it.
import process from 'node:process';
import { Failure } from '@pratique/core';

// GitHub sends SIGINT, after 7.5 s SIGTERM, after 2.5 s more it kills (actions/runner, ProcessInvoker.cs). Summary and outputs must be written before.
const patienceSeconds = 6;

const cancelled = (): Failure => new Failure({ code: 'CANCELLED', message: 'the run was cancelled', hint: 'Run it again; what is finished is found and not done twice.' });

/** Runs `work` with a signal that SIGINT and SIGTERM abort. Rejects with `CANCELLED` at the latest six seconds after the first of them. */
export async function runCancellable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => controller.abort(cancelled());
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => {
      timer = setTimeout(() => reject(controller.signal.reason as Error), patienceSeconds * 1000);
    });
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } catch (thrown) {
    // A step's own word on how it was cancelled says what it left.
    throw controller.signal.aborted && !(thrown instanceof Failure && thrown.code === 'CANARY_CANCELLED') ? controller.signal.reason : thrown;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
