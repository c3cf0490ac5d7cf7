// SPDX-License-Identifier: Apache-2.0
// `pratique canary recover`: puts back what a killed or held run left, without deploying anything.
import type { Context } from '@pratique/core';
import { journalName, recoverCanary, withLease } from '@pratique/kube';
import { clusterInputs, defineStep, registryInputs, type InputValues } from '@pratique/step';
import { connect, requireOneCluster } from './connection.ts';
import { inputs as deployInputs } from './inputs.ts';
import { openOutside, openOutsideRecovery, outsideLeaseSeconds } from './outside.ts';
import { openRecovery } from './world.ts';

const { release, namespace } = deployInputs;
const { 'registry-sign-in': signIn, 'azure-tenant-id': tenant, 'azure-client-id': client, 'azure-authority-host': authority } = registryInputs;
const inputs = { release, namespace, ...clusterInputs, 'registry-sign-in': signIn, 'azure-tenant-id': tenant, 'azure-client-id': client, 'azure-authority-host': authority };
const outputs = { recovery: 'reverted, completed (the release was new and ready already), or nothing.', run: 'The run that left it.' };

/** Takes the lock of the release, reads the journal, and does what the next deployment would do first. */
export const canaryRecover = defineStep({
  name: 'canary recover', description: 'Put back what a killed, cancelled or held canary left: route, releases, a pending Helm operation.', icon: 'rotate-ccw', permissions: [], inputs, outputs,
  async run(given: InputValues<typeof inputs>, ctx: Context) {
    requireOneCluster(given);
    const way = await connect(given, ctx).catch((thrown: unknown) => openOutside(given, ctx, thrown));
    const { id, uri, attempt } = ctx.event.run;
    const lock = { cluster: way.cluster, clock: ctx.clock, log: ctx.log, signal: ctx.signal, name: journalName(given.release), namespace: given.namespace, run: uri === '' ? `run ${id}` : uri, attempt, ...('shell' in way && { durationSeconds: outsideLeaseSeconds }) };
    return withLease(lock, async ({ signal, fence, predecessor }) => {
      const held = { given, ctx: { ...ctx, signal }, fence, predecessor };
      const world = 'shell' in way ? openOutsideRecovery(way, held) : openRecovery({ ...held, connection: way });
      const left = await world.journal.read(signal);
      if (left === undefined) return { outputs: { recovery: 'nothing', run: '' }, summary: `Nothing of a canary is left of ${given.release}.\n` };
      const recovery = await recoverCanary(world, left, signal);
      return { outputs: { recovery, run: left.run }, summary: `What ${left.run} left of ${given.release} is ${recovery === 'reverted' ? 'as it was before' : 'complete'}.\n` };
    });
  },
});
