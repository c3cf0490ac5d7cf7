// SPDX-License-Identifier: Apache-2.0
// Act five: what was released is deployed to a real Kubernetes and judged on real traffic; a regression that no test saw is rolled back.
import { join } from 'node:path';
import { formatImage, type PinnedImage } from '@pratique/core';
import { listOf, textOf } from '@pratique/kube';
import { sendLoad } from '@pratique/lab';
import type { ClusterWorld } from '../fixtures/cluster-world.ts';
import { admitDeployer, deployTarget } from '../fixtures/deploy-workflow.ts';
import { attacks, smuggle, tryAttack } from '../fixtures/attacks/trial.ts';
import { connect } from './auditor.ts';
import { clusterObstacle } from './cluster.ts';
import { beginTraffic, pace, playDeployment, traffic, type Deployment, type DeployStage } from './deploy-run.ts';
import { playRelease, requireReleased } from './release-run.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

const repeat = 'npm run demo -- --act deployed';
const usualDwellSeconds = 120;

/** Plays the act; every claim is counted. Where no cluster can run it says so, and claims nothing. */
export async function playDeployed(story: Story, scene: Scene): Promise<void> {
  story.act('Act 5', 'What was released is deployed to a real Kubernetes, and judged on real traffic.');
  const obstacle = clusterObstacle();
  if (obstacle !== undefined) return story.skip({ name: 'Act 5', why: `${obstacle.message}. The other acts do without.`, code: obstacle.code, repeat });
  await requireReleased(story, scene);
  const started = performance.now();
  const kube = await story.step('lab up --cluster: Kubernetes, gateway, Prometheus', scene.cluster.open, ({ cluster }) => cluster.gateway);
  const stage = { scene, kube, kubeconfig: await admitDeployer(kube, join(scene.folder, 'deployer')) };
  story.say(`    deploy.yml deploys, as a ServiceAccount with deploy-role.yaml. The least time before a promotion is ${pace.dwellSeconds} s here, by default ${usualDwellSeconds} s; the act takes about three minutes.`);
  story.say(`    Users: npm run pratique -- lab load ${kube.cluster.gateway}${traffic.path} --host ${traffic.host} --rate ${traffic.rate} --seconds 600`);
  const first = await playFirst(story, stage);
  if (first !== undefined) {
    await playRegression(story, stage, first);
    await playMended(story, stage);
    await playUnsigned(story, stage);
  }
  story.acts.push({ name: 'Act 5', seconds: (performance.now() - started) / 1000, repeat });
}

/** Nothing to compare with: judged by absolute limits. Gives the image when it serves. */
async function playFirst(story: Story, stage: DeployStage): Promise<PinnedImage | undefined> {
  const image = await releasedImage(stage.scene, '1.2.0');
  story.claim('1.2.0 is released', image !== undefined);
  if (image === undefined) return undefined;
  await using _users = beginTraffic(stage.kube);
  const deployment = await playDeployment(story, stage, { version: '1.2.0', image: formatImage(image), first: true });
  tell(story, deployment, '1.2.0, the first deployment');
  if (!claimPromoted(story, deployment, '1')) return undefined;
  await claimServed(story, stage, { version: '1.2.0', image });
  return image;
}

/** Tests, scan and gate have nothing against it; users of the canary have. */
async function playRegression(story: Story, stage: DeployStage, stable: PinnedImage): Promise<void> {
  await using users = beginTraffic(stage.kube);
  const image = await release(story, stage.scene, { tag: 'v1.3.0', fixture: 'app-receipt', message: 'Give each answer a receipt' });
  if (image === undefined) return;
  const before = await standing(stage.kube);
  const deployment = await playDeployment(story, stage, { version: '1.3.0', image: formatImage(image) });
  tell(story, deployment, '1.3.0, some answers are 500');
  const { step, seen } = deployment;
  const outputs = step?.outputs ?? {};
  story.claim('it was rolled back with exit status 3', step?.exitCode === 3 && outputs['verdict'] === 'rolled-back' && outputs['code'] === 'CANARY_REGRESSION', `exit status ${step?.exitCode ?? 'none'}, ${outputs['code'] || step?.log.slice(-3).join(' / ')}`);
  story.claim('the gateway counted errors of the canary, and none of stable and baseline', seen.canary.failures > 0 && seen.stable.failures + seen.baseline.failures === 0, JSON.stringify(seen));
  const report = await users.stop();
  const { '200': good = 0, ...bad } = report.statuses;
  const failed = report.requests - good;
  story.claim(`of ${report.requests} answers to users ${failed} failed, each of them one of the canary's`, Object.keys(bad).join() === '500' && failed > 0 && failed <= (report.versions['1.3.0'] ?? 0), JSON.stringify(report.statuses));
  story.claim('the same pods serve 1.2.0 as before, at the same revision, and nothing of the canary is left', (await standing(stage.kube)) === before && before.includes(stable.digest), await standing(stage.kube));
}

async function playMended(story: Story, stage: DeployStage): Promise<void> {
  await using users = beginTraffic(stage.kube);
  const image = await release(story, stage.scene, { tag: 'v1.3.1', fixture: 'app-receipt-fixed', message: 'Read the receipt as a decimal' });
  if (image === undefined) return;
  const deployment = await playDeployment(story, stage, { version: '1.3.1', image: formatImage(image) });
  tell(story, deployment, '1.3.1, mended');
  claimPromoted(story, deployment, '3');
  const { statuses, requests } = await users.stop();
  story.claim(`of ${requests} answers to users none failed`, Object.keys(statuses).join() === '200', JSON.stringify(statuses));
  await claimServed(story, stage, { version: '1.3.1', image });
}

/** The first attack of act four, brought past the gate by somebody who may write everywhere. */
async function playUnsigned(story: Story, stage: DeployStage): Promise<void> {
  const [unsigned] = attacks;
  if (unsigned === undefined) throw new RangeError('there are no attacks');
  await using world = stage.scene.openWorld();
  const trial = await story.step(`${unsigned.tried}, copied past the gate`, async () => {
    const tried = await tryAttack(world, unsigned, 'unsigned');
    await smuggle(world, tried);
    return tried;
  }, ({ target }) => target.replace(/^[^/]+\//, '').replace(/(sha256:[0-9a-f]{12}).*/, '$1…'));
  const before = await standing(stage.kube);
  const deployment = await playDeployment(story, stage, { version: 'unsigned', image: trial.target });
  tell(story, deployment, `${unsigned.tried}, past the gate`);
  const { step } = deployment;
  const code = codeOf(deployment);
  story.claim('it was refused with exit status 3, for it has no verdict', step?.exitCode === 3 && code === 'VERDICT_MISSING', `exit status ${step?.exitCode ?? 'none'}, ${code}`);
  const events = await stage.kube.kubectl('get', 'events,pods,replicasets', '--namespace', deployTarget.namespace, '--output', 'json');
  story.claim('before any pod existed: nothing in the cluster ever named it', events.exitCode === 0 && !events.stdout.includes(trial.attempt.image.image.digest) && (await standing(stage.kube)) === before);
}

const answers: Readonly<Record<string, string>> = { promoted: 'deployed', 'rolled-back': 'rolled back' };

function codeOf({ step }: Deployment): string {
  return step?.outputs['code'] || (step?.annotations.find(({ level }) => level === 'error')?.title ?? '');
}

/** The judgement in the judge's own words, where the report is, and the row of the table. */
function tell(story: Story, deployment: Deployment, tried: string): void {
  const { step, seconds } = deployment;
  const { verdict = '', reason = '', report = '' } = step?.outputs ?? {};
  if (reason !== '') story.quote([reason]);
  else if (step?.conclusion !== 'success') story.quote(step?.annotations.map(({ message }) => message.split('\n')[0] ?? '').slice(0, 1) ?? []);
  if (report !== '') story.detail(`report: ${report}`);
  story.rows.push({ name: 'Act 5', tried, answer: answers[verdict] ?? 'refused', code: codeOf(deployment) || '-', seconds });
}

async function release(story: Story, scene: Scene, { tag, fixture, message }: { readonly tag: string; readonly fixture: string; readonly message: string }): Promise<PinnedImage | undefined> {
  story.say(`    ${tag}: "${message}"`);
  const sha = scene.repository.release({ tag, fixtures: [fixture], message });
  const { record } = await playRelease(story, scene, { tag, sha });
  const image = await releasedImage(scene, tag.slice(1));
  story.claim(`${tag.slice(1)} passed tests, scan and gate`, record.conclusion === 'success' && image !== undefined);
  return image;
}

async function releasedImage(scene: Scene, version: string): Promise<PinnedImage | undefined> {
  const repository = connect(scene, 'cluster').repository('acme/app');
  const found = await repository.resolve(version);
  return found && { registry: repository.registry, repository: repository.name, digest: found.digest };
}

function claimPromoted(story: Story, { conclusion, step }: Deployment, revision: string): boolean {
  const outputs = step?.outputs ?? {};
  const held = conclusion === 'success' && outputs['verdict'] === 'promoted' && outputs['residue'] === '0' && outputs['attestation']?.startsWith('sha256:') === true && outputs['revision'] === revision;
  story.claim('it was promoted, that is signed, and nothing of the canary is left', held, step?.log.slice(-3).join(' / '));
  return held;
}

/** Through the gateway, and in the pods. */
async function claimServed(story: Story, { kube }: DeployStage, { version, image }: { readonly version: string; readonly image: PinnedImage }): Promise<void> {
  const pods = listOf(await kube.read('get', 'pods', '--namespace', deployTarget.namespace), 'items').filter((pod) => textOf(pod, 'metadata', 'deletionTimestamp') === '');
  const running = pods.flatMap((pod) => listOf(pod, 'status', 'containerStatuses')).map((status) => textOf(status, 'imageID').replace(/^.*@/, ''));
  const { versions, statuses } = await sendLoad({ url: `${kube.cluster.gateway}${traffic.path}`, host: traffic.host, rate: 20, seconds: 1 });
  story.claim(`the route serves ${version}, and every pod runs exactly its digest`, running.length > 0 && running.every((digest) => digest === image.digest) && Object.keys(versions).join() === version, JSON.stringify([versions, statuses, running]));
}

/** Everything that a deployment could change, as one text: pods with their digests, Services, ConfigMaps, revisions, and whom the route sends to. */
async function standing({ kubectl, read }: ClusterWorld): Promise<string> {
  const place = ['--namespace', deployTarget.namespace];
  const [pods, { stdout: names }, route] = await Promise.all([
    read('get', 'pods', ...place), kubectl('get', 'deployments,services,configmaps,secrets', ...place, '--output', 'name'), read('get', 'httproute', deployTarget.release, ...place),
  ]);
  const running = listOf(pods, 'items').map((pod) => `${textOf(pod, 'metadata', 'uid')} ${listOf(pod, 'status', 'containerStatuses').map((status) => textOf(status, 'imageID')).join()}`);
  return JSON.stringify([running.sort(), names.trim().split('\n'), listOf(route, 'spec', 'rules')]);
}
