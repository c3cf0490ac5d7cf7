// SPDX-License-Identifier: Apache-2.0
// Plays one run of deploy.yml under traffic and tells it as it goes: what the step says, what the gateway counts, how it ended.
import { join } from 'node:path';
import { sendLoad, type LoadReport, type RunnerEvent, type StepRecord } from '@pratique/lab';
import type { ClusterWorld } from '../fixtures/cluster-world.ts';
import { deployVariables, runDeploy } from '../fixtures/deploy-workflow.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';
import { watchTraffic, type Seen } from './traffic-watch.ts';

/** Where deployments of the demo go, and as whom. */
export interface DeployStage {
  readonly scene: Scene;
  readonly kube: ClusterWorld;
  /** Text of the deployer's kubeconfig. */
  readonly kubeconfig: string;
}

export interface Deployment {
  readonly conclusion: string;
  readonly step: StepRecord | undefined;
  readonly seconds: number;
  /** What the gateway counted. */
  readonly seen: Seen;
}

/** Said on screen: everything else is the default. */
export const pace = { steps: '25% 10s\n50% 20s', dwellSeconds: 30, slotSeconds: 2 };

// What a reader wants to know of the log; the judgement itself is told by the gateway's counters.
const worthTelling = /holds a release verdict|is ready after|^step \d+ of \d+|^> (?:Install|Promote)/;

/** Runs it under the eyes of the gateway's counters; `first` when there is no stable yet. */
export async function playDeployment(story: Story, { scene, kube, kubeconfig }: DeployStage, { version, image, first = false }: { readonly version: string; readonly image: string; readonly first?: boolean }): Promise<Deployment> {
  const started = performance.now();
  const tell = (line: string): void => story.detail(line);
  await using watch = watchTraffic({ prometheus: kube.cluster.prometheus, tell, ...(first ? { of: 'stable', everySeconds: 10 } : { of: 'canary', everySeconds: 3 }) });
  const run = scene.nextRun();
  const told = new Set<string>();
  const onEvent = (event: RunnerEvent): void => {
    // Evidence is asked for again and again, and answers the same.
    if (event.kind !== 'line' || !worthTelling.test(event.text) || told.has(event.text)) return;
    told.add(event.text);
    tell(event.text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/g, '$1…').replace(/^\S+\//, ''));
  };
  const record = await runDeploy({
    lab: scene.lab, repositoryPath: scene.repository.path, sha: scene.repository.head(), image, kubeconfig, vars: { ...scene.vars, ...deployVariables(kube, pace) }, runId: String(7000 + run),
    folder: join(scene.folder, `run-${run}`), machine: scene.environment(), onEvent,
  });
  const step = record.jobs[0]?.steps.find(({ id }) => id === 'deploy');
  const seconds = (performance.now() - started) / 1000;
  const title = `deploy      ${step?.name ?? 'deploy.yml'} ${version}`;
  if (step?.conclusion === 'success') story.line(title, seconds, step.outputs['verdict']);
  else story.refused(title, seconds, `exit status ${step?.exitCode ?? '-'}`);
  return { conclusion: record.conclusion, step, seconds, seen: await watch.stop() };
}

/** Steady requests at the demo's route. */
export interface Traffic extends AsyncDisposable {
  /** What came back. */
  stop(): Promise<LoadReport>;
}

export const traffic = { path: '/cgi-bin/ships', host: 'harbour.example', rate: 80 } as const;

/** Sends it until it is stopped, ten minutes at most. */
export function beginTraffic({ cluster }: Pick<ClusterWorld, 'cluster'>): Traffic {
  const end = new AbortController();
  const sent = sendLoad({ url: `${cluster.gateway}${traffic.path}`, host: traffic.host, rate: traffic.rate, seconds: 600, concurrency: 20, signal: end.signal });
  const stop = (): Promise<LoadReport> => {
    end.abort();
    return sent;
  };
  return { stop, [Symbol.asyncDispose]: () => stop().then(() => undefined) };
}
