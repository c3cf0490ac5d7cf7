// SPDX-License-Identifier: Apache-2.0
// The only retry there is: exponential with full jitter, inside a budget of attempts and seconds.
import { Failure } from './failure.ts';
import type { Clock } from './ports.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How often to try at the most. Default 5. */
  readonly attempts?: number;
  /** No new attempt starts later than this after the first. Default 120. */
  readonly budgetSeconds?: number;
  /** Longest first wait; it doubles each time, up to 30 s. Default 0.5. */
  readonly firstWaitSeconds?: number;
  /** 0 ≤ x < 1. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Runs `operation` until it succeeds, fails for good, or the budget is spent.
 * Only failures of kind `unavailable` are retried; `facts.retryAfterSeconds` of such a failure is honoured as the least wait.
 */
export async function retry<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, attempts = 5, budgetSeconds = 120, firstWaitSeconds = 0.5, random = Math.random } = options;
  const start = clock.now().getTime();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation(attempt);
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.kind !== 'unavailable' || attempt >= attempts || signal.aborted) throw thrown;
      const asked = thrown.facts['retryAfterSeconds'];
      const least = typeof asked === 'number' && Number.isFinite(asked) && asked > 0 ? asked : 0;
      const wait = Math.max(least, random() * Math.min(30, firstWaitSeconds * 2 ** (attempt - 1)));
      if ((clock.now().getTime() - start) / 1000 + wait > budgetSeconds) throw thrown;
      await clock.sleep(wait, signal);
    }
  }
}
