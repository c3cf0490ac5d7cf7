// SPDX-License-Identifier: Apache-2.0
// Plays one run of the release workflow and tells it: a line per step that matters, with its time.
import type { JobRecord, StepRecord, WorkflowRecord } from '@pratique/lab';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

export interface Release {
  readonly record: WorkflowRecord;
  readonly seconds: number;
  /** By job path: `build`, `gate/judge`. */
  job(path: string): JobRecord | undefined;
  /** The named step of a job. */
  step(job: string, name: string): StepRecord | undefined;
}

// Moving files between jobs is GitHub's part of the story.
const silent = /^actions\/(?:checkout|upload-artifact|download-artifact)@/;

/** Runs the workflow of `tag`; failing steps show their last lines unless `expected` names them. */
export async function playRelease(story: Story, scene: Scene, run: { readonly tag: string; readonly sha: string; readonly expected?: string }): Promise<Release> {
  const started = performance.now();
  const record = await scene.release(run.tag, run.sha, (event) => {
    if (event.kind !== 'step-ended' || silent.test(event.step.name)) return;
    const { name, conclusion, seconds, exitCode } = event.step;
    const title = `${event.job.padEnd(11)} ${name}`;
    if (conclusion === 'success') return story.line(title, seconds, noteOf(event.step));
    story.refused(title, seconds, `exit status ${exitCode ?? '-'}`);
    if (name !== run.expected) story.quote(event.step.log.slice(-25));
  });
  const jobs = record.jobs.flatMap((job) => [job, ...(job.jobs ?? [])]);
  const job = (path: string): JobRecord | undefined => jobs.find((one) => one.id === path);
  return { record, seconds: (performance.now() - started) / 1000, job, step: (path, name) => job(path)?.steps.find((one) => one.name === name) };
}

/** Releases 1.2.0, unless an act before has: an act that builds on it can so be played alone. */
export async function requireReleased(story: Story, scene: Scene): Promise<void> {
  if (scene.repository.has('v1.2.0')) return;
  scene.repository.release({ tag: 'v1.1.0', fixtures: ['app'], message: 'Show the ships in port' });
  const sha = scene.repository.release({ tag: 'v1.2.0', fixtures: ['app-fixed'], message: 'Update lodash' });
  story.say('    It needs an earlier release: first 1.2.0 is released, as act 2 shows it.');
  await playRelease(story, scene, { tag: 'v1.2.0', sha });
}

function noteOf(step: StepRecord): string {
  const { outputs } = step;
  if (outputs['image']) return outputs['image'].replace(/^[^/]+\//, '').replace(/(sha256:[0-9a-f]{12}).*/, '$1…');
  if (outputs['findings']) {
    const counts = Object.entries(JSON.parse(outputs['findings']) as Record<string, number>).filter(([name, count]) => count > 0 && name !== 'fixable');
    return counts.map(([name, count]) => `${count} ${name}`).join(', ') || 'nothing found';
  }
  return outputs['count'] ? `${outputs['count']} attestations` : '';
}
