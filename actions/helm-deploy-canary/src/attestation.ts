// SPDX-License-Identifier: Apache-2.0
// The signed record of a deployment on the image: asked for before anything is touched, written when it is over.
import { roleHint } from '@pratique/acr';
import { canonicalJson, digestOf, Failure, formatImage, isDigest, predicateTypes, type Context, type Digest } from '@pratique/core';
import { readDeployments } from '@pratique/evidence';
import { kinds, type Cluster, type KubeObject } from '@pratique/kube';
import { repositoryScope } from '@pratique/oci';
import { attest, createStatementSigner, deploymentPredicate, requireIdentity, type DeploymentFacts } from '@pratique/sign';
import type { Admission } from './admission.ts';
import type { Inputs } from './inputs.ts';
import type { RunRecord } from './run-record.ts';

/** More on one image, and the verdict would soon be read among too many: 200 are refused. */
const mostReferrers = 40;

/**
 * Whether this run could sign and attach its end. Fails with `REGISTRY_FORBIDDEN` or `IDENTITY_UNAVAILABLE`, before anything is deployed:
 * what is already live cannot be refused.
 */
export async function requireAttestable(given: Inputs, ctx: Context, { image, registry, repository }: Admission): Promise<void> {
  if (!given.attest) return;
  const need = async (action: string, why: string): Promise<void> => {
    const scope = repositoryScope(image.repository, action);
    if (await registry.canObtain(scope)) return;
    const role = roleHint({ registry: image.registry, scope, mode: given['registry-role-mode'], assignee: given['azure-client-id'] });
    throw new Failure({ code: 'REGISTRY_FORBIDDEN', message: `the signed record of this deployment could not be attached to ${formatImage(image)}: ${why}`, hint: `${withoutIt} ${role}` });
  };
  await need('push', 'the identity may not write there');
  const hanging = (await repository.listReferrers(image.digest)).length;
  if (hanging >= mostReferrers) await need('delete', `${hanging} referrers hang on it, at most ${mostReferrers} may, and the identity may not replace its own`);
  await requireIdentity(ctx).catch((thrown: unknown) => {
    throw thrown instanceof Failure && thrown.code === 'IDENTITY_UNAVAILABLE' ? new Failure({ code: thrown.code, message: `the record of this deployment could not be signed: ${thrown.message}`, hint: `${withoutIt} ${thrown.hint ?? ''}`, cause: thrown }) : thrown;
  });
}

const withoutIt = 'Nothing was deployed. To deploy without a signed record set attest: false.';

/** What is signed and where it is put. */
export interface AttestationOptions {
  readonly given: Inputs;
  readonly ctx: Context;
  readonly admission: Admission;
  readonly cluster: Cluster;
  /** What the chart rendered. */
  readonly manifest: readonly KubeObject[];
}

/**
 * Signs the record and attaches it to the image; the record of an earlier run about the same release with the same end is replaced. Only what was
 * proven on live traffic is signed, for or against the image: otherwise there is nothing to attest, and `undefined`. Fails with `SIGN_*`, `REGISTRY_*`.
 */
export async function attestRun(options: AttestationOptions, record: RunRecord): Promise<Digest | undefined> {
  const { given, ctx, admission: { repository, image, trust, trustMaterial } } = options;
  const facts = await factsOf(options, record);
  if (!given.attest || facts === undefined) return undefined;
  const subject = (await repository.readManifest(image.digest)).descriptor;
  const [attested] = await attest({
    ctx, repository, trust: trustMaterial, runId: ctx.event.run.id, signer: () => createStatementSigner(ctx, given['signing-config']),
    plan: [{ subject, predicateType: predicateTypes.deployment, predicate: deploymentPredicate(facts) }],
  });
  const believed = await readDeployments({ repository, image, trust, trustMaterial });
  if (!believed.some(({ statement }) => statement.attestation === attested?.attestation)) {
    ctx.log.notice({ level: 'warning', title: 'Nobody believes the record', message: 'trust.yaml does not name this workflow in the role deploy: the record of this deployment is signed, and counts from nobody.' });
  }
  return attested?.attestation;
}

async function factsOf({ ctx, cluster, manifest }: AttestationOptions, record: RunRecord): Promise<DeploymentFacts | undefined> {
  const { result, judgement, settings } = record;
  if (judgement === undefined || (result !== 'promoted' && result !== 'rolled-back')) return undefined;
  const [, pinned] = record.chart.split('@');
  const id = await clusterId(ctx, cluster);
  return {
    result, ...(record.code !== undefined && { code: record.code }), reason: record.words, strategy: record.strategy, revision: record.revision ?? 0, weights: record.reached,
    target: { cluster: { server: record.server, ...(id !== undefined && { id }) }, namespace: record.namespace, release: record.release },
    chart: { uri: record.chart, ...(isDigest(pinned) && { digest: pinned }), manifest: await digestOf(new TextEncoder().encode(canonicalJson(manifest.filter(({ kind }) => kind !== 'Secret')))) },
    judge: {
      alpha: settings.alpha, beta: settings.beta, alarm: judgement.alarm, promote: judgement.promote,
      metrics: judgement.metrics.flatMap(({ name, totals, alarm, promote }) => {
        const setting = settings.metrics.find((metric) => metric.name === name);
        return setting === undefined ? [] : [{ name, ...totals, alarmEvidence: alarm, promoteEvidence: promote, alarmLine: setting.alarm, promoteLine: setting.promote }];
      }),
    },
    startedAt: record.startedAt, finishedAt: record.finishedAt, run: record.run,
  };
}

/** No other cluster has this UID; an identity of one namespace may not read it. */
async function clusterId(ctx: Pick<Context, 'log'>, cluster: Pick<Cluster, 'get'>): Promise<Digest | undefined> {
  try {
    const uid = (await cluster.get({ ...kinds.namespace, name: 'kube-system' }))?.metadata.uid;
    return uid === undefined ? undefined : await digestOf(new TextEncoder().encode(uid));
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    ctx.log.line(`the record names the cluster by its address alone: ${thrown.message}`);
    return undefined;
  }
}
