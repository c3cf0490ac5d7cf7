// SPDX-License-Identifier: Apache-2.0
// `pratique canary recover`: puts back what a killed or held run left, without deploying anything.
import { Failure, type Context } from '@pratique/core';
import { journalName, openJournal, recoverCanary, withLease, type CanaryWorld } from '@pratique/kube';
import { defineStep, type InputValues } from '@pratique/step';
import { connect, type Connection } from './connection.ts';
import { inputs as deployInputs } from './inputs.ts';
import { provenOwner } from './owner.ts';
import { createReleases } from './releases.ts';
import { listResidue } from './residue.ts';
import { createTraffic } from './traffic.ts';

const { release, namespace, kubeconfig, context } = deployInputs;
const inputs = { release, namespace, kubeconfig, context };
const outputs = { recovery: 'reverted, completed (the release was new and ready already), or nothing.', run: 'The run that left it.' };

/** Takes the lock of the release, reads the journal, and does what the next deployment would do first. */
export const canaryRecover = defineStep({
  name: 'canary recover', description: 'Put back what a killed, cancelled or held canary left: route, releases, a pending Helm operation.', icon: 'rotate-ccw', permissions: [], inputs, outputs,
  async run(given: InputValues<typeof inputs>, ctx: Context) {
    const connection = await connect(given, ctx);
    const { id, uri, attempt } = ctx.event.run;
    const lock = { cluster: connection.cluster, clock: ctx.clock, log: ctx.log, signal: ctx.signal, name: journalName(given.release), namespace: given.namespace, run: uri === '' ? `run ${id}` : uri, attempt };
    return withLease(lock, async ({ signal, fence, predecessor }) => {
      const world = worldOf({ given, ctx: { ...ctx, signal }, connection, fence, predecessor });
      const left = await world.journal.read(signal);
      if (left === undefined) return { outputs: { recovery: 'nothing', run: '' }, summary: `Nothing of a canary is left of ${given.release}.\n` };
      const recovery = await recoverCanary(world, left, signal);
      return { outputs: { recovery, run: left.run }, summary: `What ${left.run} left of ${given.release} is ${recovery === 'reverted' ? 'as it was before' : 'complete'}.\n` };
    });
  },
});

interface Task {
  readonly given: InputValues<typeof inputs>;
  readonly ctx: Context;
  readonly connection: Connection;
  readonly fence: number;
  readonly predecessor: string | undefined;
}

const notHere = (): never => {
  throw new Failure({ code: 'INTERNAL_DEFECT', message: 'a recovery deploys nothing' });
};

function worldOf({ given, ctx, connection: { cluster, helm }, fence, predecessor }: Task): Pick<CanaryWorld, 'clock' | 'log' | 'journal' | 'releases' | 'traffic' | 'residue'> {
  const journal = openJournal({ cluster, namespace: given.namespace, release: given.release, fence });
  const owner = async () => provenOwner(ctx, predecessor?.replace(/#\d+$/, '') ?? (await journal.read(ctx.signal))?.run);
  const explain = (what: string): Promise<Failure> => Promise.resolve(new Failure({ code: 'CANARY_NOT_READY', message: `${what} does not get ready`, hint: `kubectl get pods --namespace ${given.namespace}` }));
  return {
    clock: ctx.clock, log: ctx.log, journal, releases: createReleases({ ctx, given, cluster, helm, owner, explain }, notHere),
    traffic: createTraffic({ ctx, cluster }), residue: () => listResidue(cluster, given.release),
  };
}
