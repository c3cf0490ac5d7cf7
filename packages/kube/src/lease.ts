// SPDX-License-Identifier: Apache-2.0
// One run at a time on one release: a coordination.k8s.io/v1 Lease with a holder, a heartbeat and a fence (https://kubernetes.io/docs/concepts/architecture/leases/).
import { Failure, type Clock, type Log } from '@pratique/core';
import type { Cluster } from './client/cluster.ts';
import { fieldOf, kinds, numberOf, textOf, type KubeObject } from './client/object.ts';

/** Who wants the lock, and on what. */
export interface LeaseOptions {
  readonly cluster: Pick<Cluster, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends waiting and working. */
  readonly signal: AbortSignal;
  readonly name: string;
  readonly namespace: string;
  /** Address of the run, as people open it. A later attempt of the same run takes over at once: the earlier one has ended. */
  readonly run: string;
  readonly attempt: number;
  /** How long the lock outlives its holder. Default 15. */
  readonly durationSeconds?: number;
}

/** A lock that is held. */
export interface Lease {
  /** Aborted when the lock is lost, or with the signal of the options. */
  readonly signal: AbortSignal;
  /** Grows with each holder: what an earlier holder wrote has a smaller one. */
  readonly fence: number;
  /** Whether another run has the lock now: then this one must not touch anything any more. */
  readonly superseded: () => boolean;
  /** Whose lock was taken over, because it did not renew it. */
  readonly predecessor?: string;
}

/** Clocks of runners and of those before them may differ by as much. */
const skewSeconds = 60;
const mostAttempts = 5;

/**
 * Holds the lock while `work` runs, and gives it back. Fails with `KUBE_LOCKED` when its holder is alive; a holder that has not renewed is
 * watched for as long as its lease lasts before the lock is taken. With `KUBE_LEASE_LOST` when the lock was lost meanwhile.
 */
export async function withLease<T>(options: LeaseOptions, work: (lease: Lease) => Promise<T>): Promise<T> {
  const { object, predecessor } = await acquire(options);
  const lost = new AbortController();
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  let superseded = false;
  const lose = (reason: string, taken: boolean): void => {
    superseded = taken;
    lost.abort(reason);
  };
  const keeper = keep(options, { object, until: done.signal, lose });
  try {
    return await work({ signal, superseded: () => superseded, fence: numberOf(object, 'spec', 'leaseTransitions') ?? 0, ...(predecessor !== undefined && { predecessor }) });
  } catch (thrown) {
    throw lost.signal.aborted ? new Failure({ code: 'KUBE_LEASE_LOST', message: String(lost.signal.reason), cause: thrown }) : thrown;
  } finally {
    done.abort();
    await giveBack(options, await keeper);
  }
}

async function acquire(options: LeaseOptions): Promise<{ readonly object: KubeObject; readonly predecessor?: string }> {
  const { cluster, name, namespace, log } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const found = await cluster.get({ ...kinds.lease, name, namespace });
      if (found === undefined) return { object: await cluster.create(leaseOf(options, 0)) };
      const holder = textOf(found, 'spec', 'holderIdentity');
      if (holder !== '' && !isEarlierAttempt(holder, options)) await waitForDeath(options, found);
      const object = await cluster.update({ ...leaseOf(options, (numberOf(found, 'spec', 'leaseTransitions') ?? 0) + 1), metadata: found.metadata });
      if (holder !== '') log.line(`took the lock ${namespace}/${name} over from ${holder}, which has ended`);
      return { object, ...(holder !== '' && { predecessor: holder }) };
    } catch (thrown) {
      // Somebody was faster: look again who holds it now.
      if (!(thrown instanceof Failure) || thrown.code !== 'KUBE_CONFLICT' || attempt >= mostAttempts) throw thrown;
    }
  }
}

const identity = ({ run, attempt }: LeaseOptions): string => `${run}#${attempt}`;

function isEarlierAttempt(holder: string, { run, attempt }: LeaseOptions): boolean {
  const [, before] = holder.startsWith(`${run}#`) ? holder.split('#').slice(-2) : [];
  return before !== undefined && Number(before) < attempt;
}

/** Returns when the holder is dead. Its own clock is not believed, except where it is far behind. */
async function waitForDeath({ cluster, clock, log, signal, name, namespace }: LeaseOptions, found: KubeObject): Promise<void> {
  const holder = textOf(found, 'spec', 'holderIdentity');
  const seconds = Math.min(Math.max(numberOf(found, 'spec', 'leaseDurationSeconds') ?? 15, 1), 300);
  const age = (object: KubeObject): number => (clock.now().getTime() - Date.parse(textOf(object, 'spec', 'renewTime'))) / 1000;
  if (age(found) > seconds + skewSeconds) return;
  log.line(`${namespace}/${name} is locked by ${holder}; watching for ${seconds} s whether it is alive`);
  for (let waited = 0; waited < seconds; ) {
    const pause = Math.min(2, seconds - waited);
    await clock.sleep(pause, signal);
    waited += pause;
    const now = await cluster.get({ ...kinds.lease, name, namespace });
    if (now === undefined || textOf(now, 'spec', 'holderIdentity') === '') return;
    if (now.metadata.resourceVersion !== found.metadata.resourceVersion) {
      throw new Failure({
        code: 'KUBE_LOCKED', message: `the release is locked by the run ${textOf(now, 'spec', 'holderIdentity')}, which renewed its lock ${Math.max(0, Math.round(age(now)))} s ago`,
        hint: 'Wait until it has ended, or cancel it; then run this again.', facts: { lease: `${namespace}/${name}`, holder, acquired: textOf(now, 'spec', 'acquireTime') },
      });
    }
  }
}

function leaseOf(options: LeaseOptions, transitions: number): KubeObject {
  const now = microTime(options.clock.now());
  const spec = { holderIdentity: identity(options), leaseDurationSeconds: options.durationSeconds ?? 15, acquireTime: now, renewTime: now, leaseTransitions: transitions };
  return { ...kinds.lease, metadata: { name: options.name, namespace: options.namespace, labels: { 'app.kubernetes.io/managed-by': 'pratique' } }, spec };
}

// metav1.MicroTime has six digits.
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z');

interface Keeping {
  readonly object: KubeObject;
  readonly until: AbortSignal;
  readonly lose: (reason: string, taken: boolean) => void;
}

/** Renews three times within each duration. Gives the lease as it was last written. */
async function keep({ cluster, clock, durationSeconds = 15 }: LeaseOptions, { object, until, lose }: Keeping): Promise<KubeObject | undefined> {
  let held = object;
  let renewed = clock.now().getTime();
  for (;;) {
    try {
      await clock.sleep(durationSeconds / 3, until);
    } catch {
      return held; // Only the end of the work ends the sleep.
    }
    try {
      held = await cluster.update({ ...held, spec: { ...(fieldOf(held, 'spec') as object), renewTime: microTime(clock.now()) } });
      renewed = clock.now().getTime();
    } catch (thrown) {
      const gone = thrown instanceof Failure && (thrown.code === 'KUBE_CONFLICT' || thrown.code === 'KUBE_NOT_FOUND');
      if (!gone && clock.now().getTime() - renewed < durationSeconds * 1000) continue;
      lose(gone ? 'another run took the lock over' : `the lock could not be renewed for ${durationSeconds} s: ${thrown instanceof Error ? thrown.message : String(thrown)}`, gone);
      return undefined;
    }
  }
}

/** The next run need not wait. What cannot be given back ends by itself. */
async function giveBack({ cluster, log }: LeaseOptions, held: KubeObject | undefined): Promise<void> {
  if (held === undefined) return;
  try {
    await cluster.update({ ...held, spec: { ...(fieldOf(held, 'spec') as object), holderIdentity: '' } });
  } catch (thrown) {
    log.line(`the lock was not given back and ends by itself: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
