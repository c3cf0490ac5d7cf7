// SPDX-License-Identifier: Apache-2.0
// Whether the run that left something half done is dead: its lock has ended, and its run as well where that can be asked.
import type { Context } from '@pratique/core';
import type { OperationOwner } from '@pratique/kube';

/** `run`: address of the run that held the lock or wrote the journal before this one; without any nothing is proven. */
export async function provenOwner(ctx: Pick<Context, 'github'>, run: string | undefined): Promise<OperationOwner> {
  if (run === undefined) return { state: 'unknown', evidence: 'no run of this toolkit is known to have begun it' };
  const lock = `the lock of ${run} has ended`;
  const [, owner, repo, id] = /^https:\/\/[^/]+\/([^/]+)\/([^/]+)\/actions\/runs\/(\d+)/.exec(run) ?? [];
  if (owner === undefined || repo === undefined || id === undefined) return { state: 'dead', evidence: lock, run };
  const { status, data } = await ctx.github.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', { owner, repo, run_id: Number(id) }, [401, 403, 404]);
  const told = typeof data === 'object' && data !== null && 'status' in data ? String(data.status) : '';
  if (status !== 200) return { state: 'dead', evidence: `${lock}; its status cannot be read (${status}: it needs actions: read)`, run };
  return told === 'completed' ? { state: 'dead', evidence: `${lock}, and the run is completed`, run } : { state: 'alive', evidence: `${lock}, but the run is ${told}`, run };
}
